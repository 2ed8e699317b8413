#!/usr/bin/env bash
# An agency with a brand, a table of posts and a budget: from an empty folder to a calendar, by the template's README.
source "$(dirname "$0")/journey.sh"

step "Start from the calendar template"
tiktoker-batch init tea --template calendar > files.txt 2> next.txt
says files.txt "tea/calendar.yaml" "tea/calendar.csv" "tea/.github/workflows/videos.yml" "tea/README.md"
exits 2 tiktoker-batch init tea --template calendar # a second time nothing is overwritten
says stderr "is there already"
cd tea
quick calendar.yaml

step "A row that is wrong in the table is told with its line"
cp calendar.csv good.csv
sed -i '3s/,basics,/,basics,one cell too many,/' calendar.csv
exits 2 tiktoker-batch validate calendar.yaml
says stderr "calendar.csv:3" "cells"
cp good.csv calendar.csv
sed -i 's/row.slug/row.slugg/' calendar.yaml
exits 2 tiktoker-batch validate calendar.yaml
says stderr "calendar.yaml:" "slugg"
sed -i 's/row.slugg/row.slug/' calendar.yaml

step "A post of our own, in both languages"
echo 'iced-matcha,summer,a green drink with ice,"Whisk it cold, and drink it at once.","Kalt schlagen und gleich trinken.",Whisk it.,Schlag ihn.' >> calendar.csv
exits 0 tiktoker-batch validate calendar.yaml
says stdout "10 videos"
exits 0 tiktoker-batch calendar calendar.yaml
says stdout "iced-matcha-de" "18:00" "Schlag ihn. #tee #teezeit #summer"
exits 0 tiktoker-batch calendar calendar.yaml --format csv
cp stdout calendar-out.csv
[ "$(wc -l < calendar-out.csv)" = 11 ] || fail "a line for the names and one for each of 10 videos"
exits 0 tiktoker-batch calendar calendar.yaml --format ics
says stdout "BEGIN:VCALENDAR" "iced-matcha"
exits 0 tiktoker-batch calendar calendar.yaml --format html
says stdout "<html" "iced-matcha-en"

step "What the studio profile costs, and that a budget below it is noticed"
exits 0 tiktoker-batch plan calendar.yaml --profile studio
says stdout "bought once"
exits 0 tiktoker-batch plan calendar.yaml --profile studio --budget 1
says stderr "warning:" "budget"
exits 2 tiktoker-batch run calendar.yaml --profile studi --select 'iced-matcha-*'
says stderr "did you mean 'studio'"
exits 3 tiktoker-batch run calendar.yaml --profile studio --select 'iced-matcha-*' --yes
says stderr "FAL_KEY" "ELEVENLABS_API_KEY"

step "Make one series of posts, on this machine"
exits 0 tiktoker-batch run calendar.yaml --select 'iced-matcha-*'
for language in en de; do
  grep -q '"caption"' "output/calendar/videos/iced-matcha-$language.json" || fail "nothing for the uploader"
done
grep -q "Kalt" output/calendar/videos/iced-matcha-de.srt

step "Another caption changes what uploaders read, and no video"
before=$(sha256sum < output/calendar/videos/iced-matcha-en.mp4)
sed -i 's/,Whisk it\.,/,Whisk it cold.,/' calendar.csv
exits 0 tiktoker-batch run calendar.yaml --select 'iced-matcha-*' --progress json
[ -z "$(said_anew stderr)" ] || fail "made again: $(said_anew stderr)"
grep -q "Whisk it cold." output/calendar/videos/iced-matcha-en.json
[ "$before" = "$(sha256sum < output/calendar/videos/iced-matcha-en.mp4)" ] || fail "the video has changed"

done_with_it
