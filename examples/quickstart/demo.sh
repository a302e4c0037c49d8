#!/usr/bin/env bash
# The quickstart from nothing to records flowing and back to nothing. `make demo` builds what it needs and runs it.
# KEEP=1 leaves everything running and prints what to try. TERRAFORM names the Terraform CLI.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
bin=$root/bin
terraform=${TERRAFORM:-$(command -v terraform || command -v tofu || true)}
keep=${KEEP:-}
expected=$(wc -l <"$here/earthquakes.ndjson" | tr -d ' ')
export PATH=$bin:$PATH

# Settings of the person who runs this must not change what it does.
for name in ${!TF_@} ${!HEADGATE_@}; do
  unset "$name"
done
export TF_IN_AUTOMATION=1 TF_INPUT=0 CHECKPOINT_DISABLE=1

work=$(mktemp -d "${TMPDIR:-/tmp}/headgate-demo.XXXXXX")
daemon=

step() {
  printf '\n\033[1m==> %s\033[0m\n' "$*"
}
[[ -t 1 ]] || step() {
  printf '\n==> %s\n' "$*"
}

fail() {
  echo "demo: $*" >&2
  exit 1
}

cleanup() {
  local code=$?
  trap - EXIT
  if ((code != 0)) && [[ -s $work/daemon.log ]]; then
    printf '\nThe last words of the daemon:\n' >&2
    tail -n 20 "$work/daemon.log" >&2
  fi
  stop_daemon || code=1
  rm -rf "$work"
  exit "$code"
}

stop_daemon() {
  [[ -n $daemon ]] || return 0
  local pid=$daemon
  daemon=
  kill -TERM "$pid" 2>/dev/null || true
  wait "$pid" || { echo "demo: the daemon ended with code $?" >&2; return 1; }
}

trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

check() {
  [[ -x $bin/headgated && -x $bin/terraform-provider-headgate ]] || fail "there are no programs in $bin: run make demo, or make build first"
  [[ -n $terraform && -x $terraform ]] || fail "neither terraform nor tofu is here: run make demo, which builds OpenTofu"
}

start_daemon() {
  (cd "$work" && exec headgated dev --listen 127.0.0.1:0 --kafka-ports 0,0 >dev.txt 2>daemon.log) &
  daemon=$!
  local tries=0
  until grep -q '^export HEADGATE_ENDPOINT=' "$work/dev.txt" 2>/dev/null; do
    kill -0 "$daemon" 2>/dev/null || fail "headgated dev did not start"
    ((tries++ < 300)) || fail "headgated dev is not ready after 30 seconds"
    sleep 0.1
  done
  endpoint=$(address 'API')
  registry=$(address 'schema registry')
  main=$(address 'Kafka cluster 1')
  second=$(address 'Kafka cluster 2')
  export HEADGATE_ENDPOINT=$endpoint
  sed -n 's/^  /  /p' "$work/dev.txt"
}

# address NAME is what headgated dev printed beside the name.
address() {
  sed -n "s/^  $1  *//p" "$work/dev.txt"
}

# hcl_list A,B is ["A", "B"].
hcl_list() {
  printf '["%s"]' "${1//,/\", \"}"
}

# configure copies the configuration, so that Terraform writes nothing into the repository, and points it at the daemon.
configure() {
  cp "$here/main.tf" "$here/variables.tf" "$here/earthquake.avsc" "$work/"
  cat >"$work/demo.auto.tfvars" <<EOF
endpoint                 = "$endpoint"
registry_url             = "$registry"
main_bootstrap_servers   = $(hcl_list "$main")
second_bootstrap_servers = $(hcl_list "$second")
EOF
  cat >"$work/terraform.rc" <<EOF
provider_installation {
  dev_overrides {
    "headgate/headgate" = "$bin"
  }
  direct {}
}
EOF
  export TF_CLI_CONFIG_FILE=$work/terraform.rc
}

# tf runs the Terraform CLI there; compact warnings keep the one about the provider under development to a line.
tf() {
  local command=$1
  shift
  "$terraform" -chdir="$work" "$command" -no-color -compact-warnings "$@"
}

# tf_quietly shows only what was done, or everything when it fails.
tf_quietly() {
  local log=$work/terraform.log
  tf "$@" >"$log" 2>&1 || {
    cat "$log" >&2
    fail "terraform $1 failed"
  }
  grep -E '^headgate_[a-z_]+\..*(complete after|completed after)|^(Apply|Destroy) complete!' "$log"
}

# written counts the records that the connector's destination holds.
written() {
  headgated status earthquakes --json | awk -F '[:,]' '/"records_written"/ { n += $2 } END { print n + 0 }'
}

caught_up() {
  [[ $(written) -ge $expected ]] && ! headgated status earthquakes --json | grep -Eq '"lag_records": (-|[1-9])'
}

await_caught_up() {
  local tries=0
  until caught_up; do
    if ((tries++ >= 150)); then
      headgated status earthquakes >&2
      fail "the connector did not catch up within 30 seconds"
    fi
    sleep 0.2
  done
}

produce() {
  (cd "$root" && CGO_ENABLED=0 go run -trimpath -buildvcs=false ./examples/quickstart/produce \
    -brokers "$main" -registry "$registry" -topic earthquakes examples/quickstart/earthquakes.ndjson)
}

plan_is_empty() {
  local code=0
  tf plan -detailed-exitcode >"$work/plan.log" 2>&1 || code=$?
  if ((code != 0)); then
    cat "$work/plan.log" >&2
    fail "the second plan is not empty"
  fi
  grep '^No changes' "$work/plan.log"
}

what_to_try() {
  cat <<EOF

It is still running, as process $daemon. In a shell:

  export HEADGATE_ENDPOINT=$endpoint TF_CLI_CONFIG_FILE=$work/terraform.rc
  cd $work

and then, for example:

  $bin/headgated status
  $bin/headgated status earthquakes
  $bin/headgated preview second copy.earthquakes --last 5
  $bin/headgated test-connection main
  curl -s $endpoint/metrics | grep ^headgate
  $terraform plan                  # then change main.tf: partitions to 8, or parallelism to 4, and apply
  $terraform apply

When you are done:

  $terraform destroy -auto-approve; kill $daemon; cd -; rm -r $work
EOF
}

check
began=$SECONDS

step "Start headgated dev: two in-memory Kafka clusters, a schema registry and the daemon in one process"
start_daemon
configure

step "terraform apply: connections, a topic, an Avro schema, a connector"
tf_quietly apply -auto-approve

step "Stream $expected earthquakes into the topic as Avro"
produce

step "The connector copies them to the second cluster"
await_caught_up
headgated status
echo
headgated status earthquakes

step "The last records of the copy, decoded"
headgated preview second copy.earthquakes --last 3

step "terraform plan: nothing left to do"
plan_is_empty

if [[ -n $keep && $keep != 0 ]]; then
  what_to_try
  trap - EXIT
  exit 0
fi

step "terraform destroy"
tf_quietly destroy -auto-approve
stop_daemon
printf '\nDone in %d seconds; nothing is left behind.\n' $((SECONDS - began))
