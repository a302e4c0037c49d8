#!/usr/bin/env bash
# Checks that a release has what the Terraform registry reads: six zips and the manifest, no more and no less, each with its right checksum; and
# headgated for the same six platforms.
#
# Usage: tools/check-release.sh FOLDER
set -euo pipefail

cd "$1"
root=$OLDPWD

sums=$(ls terraform-provider-headgate_*_SHA256SUMS)
version=${sums#terraform-provider-headgate_}
version=${version%_SHA256SUMS}
cp "$root/terraform-registry-manifest.json" "terraform-provider-headgate_${version}_manifest.json"

expected=$(
  echo "terraform-provider-headgate_${version}_manifest.json"
  for platform in {darwin,linux,windows}_{amd64,arm64}; do
    echo "terraform-provider-headgate_${version}_${platform}.zip"
  done
)
diff <(sort <<<"$expected") <(awk '{ print $2 }' "$sums" | sort)

if command -v sha256sum >/dev/null; then
  sha256sum --check --quiet "$sums"
else
  shasum -a 256 --check --quiet "$sums"
fi

for platform in {darwin,linux}_{amd64,arm64}; do
  tar -tzf "headgated_${version}_${platform}.tar.gz" headgated >/dev/null
done
for platform in windows_{amd64,arm64}; do
  [[ -s headgated_${version}_${platform}.zip ]]
done

echo "$sums holds the provider's six zips and the manifest; headgated is there for the same platforms"
