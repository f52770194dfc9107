# Shared by the commands in this folder; not a command itself. Sets root, and functions that build what is missing.
# shellcheck shell=bash
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
target="$root/core/target"
java="${JAVA_HOME:+$JAVA_HOME/bin/}java"
archive="$target/optmerge${JAVA_HOME:+-${JAVA_HOME//[^A-Za-z0-9]/-}}.jsa"
venv="$root/.venv"
# What the command line and the kernel both need: no display, natives without a warning, nothing asked of a network.
java_options=(-Djava.awt.headless=true --enable-native-access=ALL-UNNAMED -DOPT_OUT_TRACKING=true -Dai.djl.offline=true
  # A proxy may want a name and password for https as well; they come from the environment, so it is the user's choice.
  -Djdk.http.auth.tunneling.disabledSchemes=
  # So that large merges can load the Vector API by themselves: --add-modules would print a warning at every start.
  --add-exports=java.base/jdk.internal.module=ALL-UNNAMED)

fail() {
  printf '%s: %s\n' "$(basename "$0")" "$*" >&2
  exit 1
}

# step TITLE COMMAND...: runs a command quietly, shows how long it takes, and its output only if it fails.
step() {
  local title=$1 log begin=$SECONDS status=0 watched=$BASHPID ticker
  shift
  log=$(mktemp)
  {
    while kill -0 "$watched" 2>/dev/null; do
      if [ -t 2 ]; then
        printf '\r%s … %d s ' "$title" $((SECONDS - begin)) >&2
        sleep 1
      else
        printf '%s …\n' "$title" >&2
        sleep 60
      fi
    done
  } &
  ticker=$!
  "$@" >"$log" 2>&1 </dev/null || status=$?
  kill "$ticker" 2>/dev/null || true
  wait "$ticker" 2>/dev/null || true
  if [ -t 2 ]; then printf '\r' >&2; fi
  if [ "$status" -ne 0 ]; then
    printf '%s … failed after %d s:\n' "$title" $((SECONDS - begin)) >&2
    tail -n 40 "$log" >&2
    printf 'The whole log: %s\n' "$log" >&2
    return "$status"
  fi
  printf '%s … done in %d s\n' "$title" $((SECONDS - begin)) >&2
  rm -f "$log"
}

need_java() {
  local version
  command -v "$java" >/dev/null ||
    fail "needs a Java 17 or newer development kit; '$java' is not there (Debian: apt install openjdk-17-jdk, or set JAVA_HOME)"
  version=$("$java" -XshowSettings:properties -version 2>&1 | sed -n 's/^ *java.specification.version = \([0-9]*\).*/\1/p')
  [ "${version:-0}" -ge 17 ] || fail "needs Java 17 or newer; '$java' is version ${version:-unknown} (set JAVA_HOME to another)"
}

# The jar that the launcher and the kernel run; empty if there is none.
core_jar() {
  local jar
  for jar in "$target"/optmerge-core-*.jar; do
    case $jar in
      *-sources.jar | *-javadoc.jar | *-tests.jar) ;;
      *) [ -f "$jar" ] && printf '%s' "$jar" && return ;;
    esac
  done
}

# True if the jar is there and nothing it is made of is newer.
core_is_current() {
  local jar
  jar=$(core_jar)
  [ -n "$jar" ] && [ -f "$target/classpath.txt" ] &&
    [ -z "$(find "$root/core/src/main" "$root/core/pom.xml" "$root/pom.xml" "$root"/data-manifests/*.json -newer "$jar" -print -quit)" ]
}

package_core() {
  cd "$root" || return
  rm -f "$target"/optmerge-core-*.jar "$target"/optmerge*.jsa*
  mvn -B -ntp ${OPTMERGE_MAVEN_OPTIONS:-} -DskipTests -DskipQuality -pl core -am package && verify_libraries
}

# Compares the libraries with their recorded checksums. Maven does so itself from 3.9 on (.mvn/maven.config), before it uses
# them; Debian's 3.8.7 cannot.
verify_libraries() {
  local list
  list=$(awk 'NR == FNR { sum[$2] = $1; next }
    { count = split($0, part, "/"); path = ""; known = ""
      for (i = count; i > 1 && known == ""; i--) { path = part[i] (path == "" ? "" : "/" path); if (path in sum) known = path }
      if (known == "") { print "no recorded checksum: " $0 > "/dev/stderr"; bad = 1 } else print sum[known] "  " $0 }
    END { exit bad }' "$root/.mvn/checksums/checksums.sha256" <(tr ':' '\n' <"$target/classpath.txt")) || return
  if command -v sha256sum >/dev/null; then
    sha256sum --quiet --check - <<<"$list"
  else
    shasum -a 256 --quiet --check - <<<"$list"
  fi
}

# An archive for this Java, from which the command line starts in half the time: from Java 25 on its ahead-of-time cache
# (classes as they are after linking, and profiles), before that class data sharing. Both come from a run of what users
# do most. Where neither can be made, an empty file stands for it, and nothing is lost.
archive_classes() {
  local new="$archive.$$" making
  for making in -XX:AOTCacheOutput -XX:ArchiveClassesAtExit; do
    "$java" "$making=$new" -XX:+UseSerialGC -Xlog:disable "${java_options[@]}" \
      -cp "$(core_jar):$(<"$target/classpath.txt")" org.optmerge.cli.StartUpTraining >/dev/null 2>&1 </dev/null || true
    if [ -s "$new" ]; then break; fi
  done
  rm -f "$new".*
  if [ "$making" = -XX:AOTCacheOutput ]; then : >"$archive.aot"; else rm -f "$archive.aot"; fi 2>/dev/null || true
  { [ -f "$new" ] || : >"$new"; } 2>/dev/null && mv -f "$new" "$archive" || true
}

# Builds core if its jar is missing or older than its sources. Two at once wait for each other.
build_core() {
  core_is_current && return
  need_java
  command -v mvn >/dev/null || fail "needs Maven 3.8.7 or newer to build core; 'mvn' is not there (Debian: apt install maven)"
  mkdir -p "$target"
  (
    if command -v flock >/dev/null; then flock 9; fi
    core_is_current && exit
    step "Building core" package_core
  ) 9>"$target/.build-lock" || exit 1
}

make_python_environment() {
  [ -x "$venv/bin/python" ] || python3 -m venv "$venv" || return
  "$venv/bin/python" -m pip install --disable-pip-version-check -r "$root/environment/requirements.txt" &&
    cp "$root/environment/requirements.txt" "$venv/requirements.installed"
}

# Makes .venv with JupyterLab and the Java kernel if it is missing or its requirements changed.
build_python_environment() {
  cmp -s "$root/environment/requirements.txt" "$venv/requirements.installed" && return
  command -v python3 >/dev/null || fail "needs Python 3.11 or newer for the notebooks; 'python3' is not there (Debian: apt install python3-venv)"
  python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
    fail "needs Python 3.11 or newer for the notebooks, python3 is $(python3 -V 2>&1)"
  python3 -c 'import ensurepip, venv' 2>/dev/null ||
    fail "python3 cannot make virtual environments here (Debian: apt install python3-venv)"
  step "Setting up JupyterLab and the Java kernel in .venv" make_python_environment || exit 1
}

# Lets Jupyter find our kernel before any other called 'java', and reach nothing outside.
use_our_kernel() {
  export JUPYTER_PATH="$root/environment${JUPYTER_PATH:+:$JUPYTER_PATH}"
  export PATH="$venv/bin:$PATH"
}

# In the C locale, as containers have it, Java could use no name of a file that is not ASCII.
use_utf8() {
  case ${LC_ALL:-${LC_CTYPE:-${LANG:-C}}} in
    C | POSIX) export LC_ALL=C.UTF-8 ;;
  esac
}

# run_optmerge ARGUMENTS...: becomes the command line.
run_optmerge() {
  use_utf8
  [ "$archive" -nt "$(core_jar)" ] || archive_classes
  local using=-XX:SharedArchiveFile silent="cds*=off"
  if [ -f "$archive.aot" ]; then using=-XX:AOTCache silent="cds*=off,aot*=off"; fi
  local options=("${java_options[@]}" "$using=$archive" -Xlog:disable "-Xlog:all=error,$silent:stderr")
  # Merging reuses its buffers, so the simplest collector is also the one that starts first and takes least memory.
  case ${OPTMERGE_JAVA_OPTS:-} in
    *-XX:+Use*GC*) ;;
    *) options+=(-XX:+UseSerialGC) ;;
  esac
  # Matrices come and go by the hundred megabytes: memory that is kept instead of given back saves the cost of fresh pages.
  export MALLOC_MMAP_MAX_="${MALLOC_MMAP_MAX_:-0}" MALLOC_TRIM_THRESHOLD_="${MALLOC_TRIM_THRESHOLD_:-4000000000}" MALLOC_ARENA_MAX="${MALLOC_ARENA_MAX:-1}"
  # shellcheck disable=SC2086  # OPTMERGE_JAVA_OPTS holds several words
  exec "$java" "${options[@]}" ${OPTMERGE_JAVA_OPTS:-} -cp "$(core_jar):$(<"$target/classpath.txt")" org.optmerge.cli.Main "$@"
}
