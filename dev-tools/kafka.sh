# shellcheck shell=bash
# A real Apache Kafka without Docker: a JVM, and jars from Maven Central. Sourced by `dev`.

readonly KAFKA_VERSION=4.3.1
readonly KAFKA_JAVA_MINIMUM=17
readonly KAFKA_LIBS=${XDG_CACHE_HOME:-$HOME/.cache}/clustergenie/kafka-$KAFKA_VERSION

# Puts the jars into the cache once. A half-finished download never counts as one.
kafka_download() {
  [[ ! -d $KAFKA_LIBS ]] || return 0
  local unfinished=$KAFKA_LIBS.unfinished.$$
  say "Fetching Apache Kafka $KAFKA_VERSION from Maven Central into $KAFKA_LIBS"
  mkdir -p "$unfinished"
  if ! mvn --quiet --batch-mode --file "$root/dev-tools/kafka/pom.xml" dependency:copy-dependencies \
    -Dkafka.version="$KAFKA_VERSION" -DincludeScope=runtime -DoutputDirectory="$unfinished"; then
    rm -rf "$unfinished"
    return 1
  fi
  # Somebody else may have finished meanwhile; their copy is as good.
  mv -T "$unfinished" "$KAFKA_LIBS" 2>/dev/null || rm -rf "$unfinished"
}

# Runs one of Kafka's programs in a small JVM that starts fast.
kafka_tool() {
  java -Xmx128m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Dorg.slf4j.simpleLogger.defaultLogLevel=error \
    -cp "$KAFKA_LIBS/*" "$@"
}

kafka_serves() {
  kafka_tool org.apache.kafka.tools.TopicCommand --bootstrap-server "127.0.0.1:$1" --list >/dev/null 2>&1
}

# kafka_pid DIR: prints the process id of the broker in DIR/kafka, or fails when none runs.
kafka_pid() {
  local pid
  pid=$(cat "$1/kafka/pid" 2>/dev/null) || return 1
  # A process id may have been given to a stranger since.
  tr '\0' ' ' 2>/dev/null <"/proc/$pid/cmdline" | grep -qF "$1/kafka/server.properties" || return 1
  echo "$pid"
}

# kafka_start DIR PORT: starts a broker on DIR/kafka, keeping topics that are there, and returns when
# it serves. Fails, with a word on standard error, when no broker can be had.
kafka_start() {
  local dir=$1/kafka port=$2 pid
  ! port_taken "$port" || { warn "port $port is taken; choose another with --port" && return 1; }
  kafka_download || { warn "the jars of Apache Kafka could not be fetched" && return 1; }
  mkdir -p "$dir"
  sed -e "s|@PORT@|$port|g" -e "s|@CONTROLLER_PORT@|$(free_port)|g" -e "s|@DATA@|$dir/data|g" \
    "$root/dev-tools/kafka/server.properties" >"$dir/server.properties"
  if [[ ! -e $dir/data/meta.properties ]]; then
    kafka_tool kafka.tools.StorageTool format --config "$dir/server.properties" \
      --cluster-id "$(kafka_tool kafka.tools.StorageTool random-uuid | tail -1)" >"$dir/format.log" 2>&1 ||
      { warn "the broker's folder could not be prepared, see $dir/format.log" && return 1; }
  fi
  # In a session of its own, so that Ctrl-C in this terminal does not reach it.
  setsid java -Xms128m -Xmx512m -Dorg.slf4j.simpleLogger.showDateTime=true -cp "$KAFKA_LIBS/*" \
    kafka.Kafka "$dir/server.properties" >"$dir/server.log" 2>&1 </dev/null &
  pid=$!
  echo "$pid" >"$dir/pid"
  echo "$port" >"$dir/port"
  local deadline=$((SECONDS + 90))
  until kafka_serves "$port"; do
    kill -0 "$pid" 2>/dev/null || { warn "the broker ended, see $dir/server.log" && return 1; }
    ((SECONDS < deadline)) || { warn "the broker does not answer, see $dir/server.log" && return 1; }
  done
}

# kafka_stop DIR: stops the broker of DIR/kafka, if one runs; its topics stay.
kafka_stop() {
  local pid
  pid=$(kafka_pid "$1") || return 0
  kill "$pid"
  local deadline=$((SECONDS + 20))
  while kill -0 "$pid" 2>/dev/null; do
    # A broker that still loads its logs does not end by itself in reasonable time.
    ((SECONDS < deadline)) || kill -KILL "$pid" 2>/dev/null || true
    sleep 0.1
  done
  rm -f "$1/kafka/pid"
}

command_kafka() {
  local dir=$target/dev port=9092 action=start chosen=''
  while (($#)); do
    case $1 in
      start | stop | status) action=$1 ;;
      --dir) dir=$(realpath -m "${2:?--dir needs a folder}") chosen=" --dir $2" && shift ;;
      --port) port=${2:?--port needs a number} && shift ;;
      *) die "'$1' is not known to ./dev kafka; see ./dev help" ;;
    esac
    shift
  done
  case $action in
    start)
      ! kafka_pid "$dir" >/dev/null || die "a broker of this folder runs already: 127.0.0.1:$(<"$dir/kafka/port")"
      require_for_kafka || die "a broker needs the programs named above"
      kafka_start "$dir" "$port" || { kafka_stop "$dir" && die "no broker was started"; }
      say "Apache Kafka $KAFKA_VERSION serves on 127.0.0.1:$port, with its files in $dir/kafka."
      say "Stop it: ./dev kafka stop$chosen"
      ;;
    stop)
      kafka_stop "$dir"
      say "No broker runs on $dir/kafka."
      ;;
    status)
      kafka_pid "$dir" >/dev/null || die "no broker runs on $dir/kafka"
      port=$(<"$dir/kafka/port")
      kafka_serves "$port" || die "the broker runs, but does not answer on 127.0.0.1:$port"
      say "Apache Kafka $KAFKA_VERSION serves on 127.0.0.1:$port."
      ;;
  esac
}
