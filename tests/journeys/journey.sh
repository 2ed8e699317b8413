# What the journeys share. Each begins in an empty folder, with an account that has nothing: no keys, no cache.
#
#   JOURNEY_BIN   the bin folder of an environment where tiktoker-batch is installed; without it the checkout is installed
#                 into a new environment first, as a new user would
#   JOURNEY_KEEP  set: the folder is left for somebody to look at
set -euo pipefail

CHECKOUT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
FOLDER=$(mktemp -d)
finish() {
  [ -n "${JOURNEY_KEEP:-}" ] || rm -rf "$FOLDER"
}
trap finish EXIT

unset FAL_KEY FAL_KEY_ID FAL_KEY_SECRET FAL_API_KEY ELEVENLABS_API_KEY OPENROUTER_API_KEY PYTHONPATH
unset GITHUB_STEP_SUMMARY TIKTOKER_CACHE_GB
export TIKTOKER_CACHE_DIR=$FOLDER/cache HOME=$FOLDER/home COLUMNS=120
mkdir -p "$HOME" "$FOLDER/empty"

if [ -z "${JOURNEY_BIN:-}" ]; then
  python3 -m venv "$FOLDER/env"
  "$FOLDER/env/bin/python" -m pip install --quiet --disable-pip-version-check "$CHECKOUT[espeak]"
  JOURNEY_BIN=$FOLDER/env/bin
fi
export PATH=$JOURNEY_BIN:$PATH
cd "$FOLDER/empty"

step() { # what comes now
  printf '== %s\n' "$1"
}

fail() { # say why, with what was said last, and end
  printf 'FAILED: %s\n' "$1" >&2
  for said in stdout stderr; do
    [ ! -s "$said" ] || sed "s/^/  $said: /" "$said" | tail -n 20 >&2
  done
  exit 1
}

exits() { # exits CODE COMMAND...: run it, keep what it says in the files stdout and stderr, expect this exit code
  local expected=$1 status=0
  shift
  "$@" > stdout 2> stderr < /dev/null || status=$?
  [ "$status" = "$expected" ] || fail "'$*' ended with $status, not $expected"
  ! grep -q "Traceback" stderr || fail "'$*' showed a traceback"
}

says() { # says FILE TEXT...: each of these texts is in it
  local file=$1 text
  shift
  for text in "$@"; do
    grep -qF -e "$text" "$file" || fail "$file does not say: $text"
  done
}

said_anew() { # the steps that a run with --progress json did, in one sorted line; those that are reused are not among them
  grep '"step_succeeded"' "$1" | sed 's/.*"step": *"\([^"]*\)".*/\1/' | sort | tr '\n' ' ' | sed 's/ $//'
}

await_line() { # wait until a file says something, at most a minute
  local tries
  for tries in $(seq 600); do
    ! grep -qF -e "$2" "$1" 2> /dev/null || return 0
    sleep 0.1
  done
  fail "$1 never says: $2"
}

quick() { # a template as it is, with fewer frames: only the assembling is over sooner
  sed -i 's/^  resolution: 720p.*/&\n  fps: 4/' "$1"
  grep -q "fps: 4" "$1"
}

done_with_it() {
  printf '== done\n'
}
