#!/usr/bin/env bash
# A creator with an idea and no account: from an empty folder to videos, by what README.md says.
source "$(dirname "$0")/journey.sh"

step "Install, and look around"
tiktoker-batch --version > version.txt
tiktoker-batch --help > help.txt
says help.txt "init" "validate" "plan" "run"

step "Start from the template that init offers by itself"
tiktoker-batch init my-videos > files.txt 2> next.txt
says files.txt "my-videos/first.yaml"
says next.txt "tiktoker-batch run first.yaml"
cd my-videos
quick first.yaml

step "A typo in a style: the message says where, and the right name"
cp first.yaml good.yaml
sed -i 's/style: watercolor/style: watercolour/' first.yaml
exits 2 tiktoker-batch validate first.yaml
says stderr "first.yaml:" "unknown style 'watercolour'" "did you mean 'watercolor'?"
line=$(grep -n "watercolour" first.yaml | cut -d: -f1)
says stderr "first.yaml:$line:"
exits 2 tiktoker-batch run first.yaml
[ ! -e output ] || fail "a recipe that is wrong must start nothing"
sed -i 's/style: watercolour/style: watercolor/' first.yaml
cmp first.yaml good.yaml
exits 0 tiktoker-batch validate first.yaml
says stdout "first.yaml: ok (2 videos"

step "What would happen, and what it would cost with paid models"
exits 0 tiktoker-batch plan first.yaml
says stdout "lighthouse" "honey" "\$0.00"
exits 0 tiktoker-batch plan first.yaml --profile standard
says stderr "set FAL_KEY"
[ ! -e output ] || fail "a plan must leave nothing behind"

step "Run, and press Ctrl-C as soon as something is going on"
set -m # its own process group, with a Ctrl-C of its own
tiktoker-batch run first.yaml --progress plain > stdout 2> stderr &
set +m
await_line stderr "image"
kill -INT $!
status=0; wait $! || status=$?
[ "$status" = 130 ] || fail "interrupted, and the exit code is $status"
says stderr "run again to go on: tiktoker-batch run first.yaml"

step "Run again: it goes on, and the videos are there"
exits 0 tiktoker-batch run first.yaml --progress json
[ -n "$(said_anew stderr)" ] || fail "nothing was left to do"
for video in lighthouse honey; do
  [ -s "output/first/videos/$video.mp4" ] && [ -s "output/first/videos/$video.srt" ] || fail "$video is not there"
done
says stdout "first: done" "report: output/first/report.html"
grep -q "<html" output/first/report.html

step "Once more: everything is reused"
exits 0 tiktoker-batch run first.yaml --progress json
[ -z "$(said_anew stderr)" ] || fail "made again: $(said_anew stderr)"

step "Another shot in one video: only what depends on it is made again"
sha256sum output/first/videos/*.mp4 > before
sed -i 's/a spoon of honey over a cup of tea by a window/a honeycomb on a wooden table/' first.yaml
exits 0 tiktoker-batch run first.yaml --progress json
[ "$(said_anew stderr)" = "honey/03/clip honey/03/image honey/assembly honey/shots" ] || fail "made: $(said_anew stderr)"
sha256sum --check --quiet before 2> /dev/null > changed || true
[ "$(cat changed)" = "output/first/videos/honey.mp4: FAILED" ] || fail "changed: $(cat changed)"

step "How it stands, for people and for programs"
exits 0 tiktoker-batch status first.yaml
says stdout "honey" "done"
exits 0 tiktoker-batch status output/first --format json
says stdout '"state": "done"'

done_with_it
