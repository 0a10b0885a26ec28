# shellcheck shell=bash
# A real Apache Kafka without Docker: a JVM, and jars from Maven Central. Sourced by `dev`.

readonly KAFKA_VERSION=4.3.1
readonly KAFKA_JAVA_MINIMUM=17
readonly KAFKA_LIBS=${XDG_CACHE_HOME:-$HOME/.cache}/clustergenie/kafka-$KAFKA_VERSION

# Downloads the jars into the cache once. An unfinished download is never used.
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
  # Another process may have finished meanwhile; its copy is as good.
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

# kafka_pid DIR: prints the process id of the broker on DIR/kafka, or fails if none runs.
kafka_pid() {
  local pid
  pid=$(cat "$1/kafka/pid" 2>/dev/null) || return 1
  # The process id may belong to another process by now.
  tr '\0' ' ' 2>/dev/null <"/proc/$pid/cmdline" | grep -qF "$1/kafka/server.properties" || return 1
  echo "$pid"
}

# kafka_start DIR PORT: starts a broker on DIR/kafka, with the topics of earlier runs, and returns when it
# serves. Fails, with a message on standard error, if no broker can be started.
kafka_start() {
  local dir=$1/kafka port=$2 pid
  ! port_taken "$port" || { warn "port $port is taken; choose another with --port" && return 1; }
  kafka_download || { warn "the jars of Apache Kafka could not be downloaded" && return 1; }
  mkdir -p "$dir"
  sed -e "s|@PORT@|$port|g" -e "s|@CONTROLLER_PORT@|$(free_port)|g" -e "s|@DATA@|$dir/data|g" \
    "$root/dev-tools/kafka/server.properties" >"$dir/server.properties"
  if [[ ! -e $dir/data/meta.properties ]]; then
    kafka_tool kafka.tools.StorageTool format --config "$dir/server.properties" \
      --cluster-id "$(kafka_tool kafka.tools.StorageTool random-uuid | tail -1)" >"$dir/format.log" 2>&1 ||
      { warn "the storage of the broker could not be formatted, see $dir/format.log" && return 1; }
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

# kafka_stop DIR: stops the broker on DIR/kafka, if one runs; its topics are kept.
kafka_stop() {
  local pid
  pid=$(kafka_pid "$1") || return 0
  kill "$pid"
  local deadline=$((SECONDS + 20))
  while kill -0 "$pid" 2>/dev/null; do
    # A broker that is still loading its logs does not stop in time.
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
      ! kafka_pid "$dir" >/dev/null || die "a broker runs on this directory already: 127.0.0.1:$(<"$dir/kafka/port")"
      require_for_kafka || die "Kafka needs the programs named above"
      kafka_start "$dir" "$port" || { kafka_stop "$dir" && die "Kafka was not started"; }
      say "Apache Kafka $KAFKA_VERSION serves on 127.0.0.1:$port, with its files in $dir/kafka."
      say "Stop it: ./dev kafka stop$chosen"
      ;;
    stop)
      kafka_pid "$dir" >/dev/null || {
        say "No Kafka was running on $dir/kafka."
        return
      }
      kafka_stop "$dir"
      say "Kafka stopped. Its topics are kept in $dir/kafka."
      ;;
    status)
      kafka_pid "$dir" >/dev/null || die "no Kafka runs on $dir/kafka"
      port=$(<"$dir/kafka/port")
      kafka_serves "$port" || die "Kafka runs, but does not answer on 127.0.0.1:$port"
      say "Apache Kafka $KAFKA_VERSION serves on 127.0.0.1:$port."
      ;;
  esac
}
