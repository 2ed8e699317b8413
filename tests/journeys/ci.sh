#!/usr/bin/env bash
# Somebody who sets up a CI job: exit codes, reports for programs, approved plans and shards, by docs/ci.md.
source "$(dirname "$0")/journey.sh"

step "A batch of a few short videos"
cat > news.yaml <<'END'
version: 1
name: news
defaults: {duration: 4, fps: 4, captions: false}
videos:
  - {id: lamp, script: A small lamp burns., style: noir, prompts: [a lamp]}
  - {id: fox, script: A fox is awake., style: anime, prompts: [a fox]}
END

step "Is there work? A plan that somebody approves, as Markdown and as a file"
exits 2 tiktoker-batch plan news.yaml --detailed-exitcode
exits 0 tiktoker-batch plan news.yaml --format markdown --shard 1/2 --output part-1 --out plan-1.json
says stdout "### Plan of \`news\`"

step "Two shards, as two runners would make them; the first one by its approved plan"
export GITHUB_STEP_SUMMARY=$PWD/summary.md
exits 0 tiktoker-batch run news.yaml --shard 1/2 --output part-1 --plan plan-1.json --junit part-1.xml
exits 0 tiktoker-batch run news.yaml --shard 2/2 --output part-2 --junit part-2.xml
says summary.md "## \`news\`"
exits 2 tiktoker-batch run news.yaml --shard 1/2 --output part-1 --plan plan-1.json
says stderr "plan-1.json is stale"

step "What the reports say"
for part in 1 2; do
  python3 - "part-$part.xml" <<'END'
import sys
from xml.etree import ElementTree
suites = ElementTree.parse(sys.argv[1]).getroot()
assert suites.attrib["failures"] == "0", suites.attrib
assert {suite.attrib["name"] for suite in suites} == {"lamp", "fox"}
END
done

step "One batch of both, which needs nothing more"
exits 0 tiktoker-batch merge part-1 part-2 --output output/news
exits 0 tiktoker-batch plan news.yaml --detailed-exitcode
exits 0 tiktoker-batch report output/news --junit whole.xml --trace whole.json
for video in lamp fox; do [ -s "output/news/videos/$video.mp4" ] || fail "$video is not there"; done
exits 0 tiktoker-batch run news.yaml --progress json
[ -z "$(said_anew stderr)" ] || fail "made again: $(said_anew stderr)"

step "A video that fails fails the job, and the report says why"
echo "no sound" > bed.mp3
sed 's/name: news/name: broken/; s/captions: false/captions: false, music: {file: bed.mp3}/' news.yaml > broken.yaml
exits 1 tiktoker-batch run broken.yaml --select lamp --junit broken.xml
says broken.xml "<failure" "ffmpeg"
says summary.md "### Failures"

step "A second job in the same folder is turned away"
tiktoker-batch run news.yaml --force '*' --progress plain > first.txt 2>&1 &
await_line first.txt "image"
kill -STOP $! # so that it is still there when the second one comes
exits 5 tiktoker-batch run news.yaml
kill -TERM $!
kill -CONT $!
status=0; wait $! || status=$?
[ "$status" = 130 ] || fail "stopped, and the exit code is $status"
exits 0 tiktoker-batch resume output/news

step "Workflows that are ready"
tiktoker-batch init calendar --template calendar > /dev/null 2>&1
says calendar/.github/workflows/videos.yml "tiktoker-batch merge" "--shard" "--budget"
says calendar/.gitlab-ci.yml "tiktoker-batch merge" "--shard" "--budget"

done_with_it
