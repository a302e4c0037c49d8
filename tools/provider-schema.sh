#!/usr/bin/env bash
# Prints the provider's schema as JSON, from a provider built into a folder.
#
# Usage: tools/provider-schema.sh TERRAFORM FOLDER
#   TERRAFORM  the Terraform or OpenTofu CLI to ask
#   FOLDER     where terraform-provider-headgate lies
#
# The address is hashicorp/headgate because that is where tfplugindocs looks for a provider in a schema file. Nothing is installed or downloaded.
set -euo pipefail

terraform=$(command -v "$1")
folder=$(cd "$2" && pwd)

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cat >"$work/cli.tfrc" <<EOF
provider_installation {
  dev_overrides {
    "registry.terraform.io/hashicorp/headgate" = "$folder"
  }
  direct {}
}
EOF

cat >"$work/main.tf" <<'EOF'
terraform {
  required_providers {
    headgate = { source = "registry.terraform.io/hashicorp/headgate" }
  }
}

provider "headgate" {}
EOF

cd "$work"
export TF_CLI_CONFIG_FILE="$work/cli.tfrc" CHECKPOINT_DISABLE=1
unset TF_DATA_DIR TF_WORKSPACE TF_CLI_ARGS
"$terraform" providers schema -json
