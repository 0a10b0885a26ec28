# shellcheck shell=bash
# The fault rig: injects random faults and checks that the platform kept its promises. Sourced by `dev`.
#
# The program `fault` starts and stops its own servers, the platform's processes, clients and subscribers.
# This file prepares its directory and cleans up after it.

# Prints the directory of a run, which Postgres's user can enter. Links target/fault/SEED to it if it is
# elsewhere.
fault_folder() {
  local seed=$1 dir=$target/fault/$1
  fault_forget "$dir"
  mkdir -p "$dir"
  if ! as_postgres_user test -x "$dir"; then
    rmdir "$dir"
    ln -s "$(temporary_folder "clustergenie-fault-$seed")" "$dir"
  fi
  (cd -P "$dir" && pwd)
}

# Removes the files of an earlier run with this seed.
fault_forget() {
  local dir=$1 kept
  kept=$(readlink -f "$dir") || return 0
  fault_unmount "$kept"
  rm -rf "$kept" "$dir"
}

# Unmounts the disk of a run, if the program could not.
fault_unmount() {
  ! mountpoint --quiet "$1/disk" 2>/dev/null || umount --lazy "$1/disk"
}

# fault_run PROFILE SEED ARGUMENTS...: builds the programs and runs the rig.
fault_run() {
  local profile=$1 seed=$2 dir status=0
  # The same build as that of the tests, to reuse it.
  local build=(cargo build --workspace --all-features --all-targets)
  shift 2
  [[ $profile == debug ]] || build=(cargo build --release -p clustergenie -p fault)
  (cd "$root" && "${build[@]}") || return
  dir=$(fault_folder "$seed") || return
  local arguments=(--seed "$seed" --dir "$dir" --program "$target/$profile/clustergenie" --postgres-bin "$(postgres_bin)")
  if [[ " $* " != *' --embedded '* ]]; then
    arguments+=(--kafka-libs "$KAFKA_LIBS" --kafka-settings "$root/dev-tools/kafka/server.properties")
  fi
  "$target/$profile/fault" "${arguments[@]}" "$@" || status=$?
  fault_unmount "$dir"
  if ((status)); then
    say "All files of the run are in $dir. Repeat the same faults with --seed $seed"
  fi
  return "$status"
}

command_fault() {
  local profile=release seed='' kafka=1 passed=()
  while (($#)); do
    case $1 in
      --seed) seed=${2:?--seed needs a number} && shift ;;
      --debug) profile=debug ;;
      --kafka) kafka=1 ;;
      --embedded) kafka=0 passed+=(--embedded) ;;
      --minutes | --relay-kills) passed+=("$1" "${2:?"$1 needs a number"}") && shift ;;
      --json) passed+=(--json "$(realpath -m "${2:?--json needs a file}")") && shift ;;
      *) die "'$1' is not known to ./dev fault; see ./dev help" ;;
    esac
    shift
  done
  seed=${seed:-$((RANDOM * 32768 + RANDOM))}
  [[ $seed =~ ^[0-9]+$ ]] || die "a seed is a whole number"
  require_for_build
  require_for_database
  ((!kafka)) || require_for_kafka || die "Kafka needs the programs named above; --embedded works without"
  ((!kafka)) || kafka_download || die "the jars of Apache Kafka could not be downloaded"
  say "Seed $seed"
  fault_run "$profile" "$seed" "${passed[@]}"
}
