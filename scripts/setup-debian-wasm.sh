#!/usr/bin/env bash
# usage: scripts/setup-debian-wasm.sh [build folder]
# The wasm32 target on Debian without a toolchain server: rustc and cargo from Debian, the standard library for wasm32 compiled
# from its packaged source, both linked as the rustup toolchain `debian-wasm`. About two minutes; needs root or sudo.
set -euo pipefail

build=${1:-$(mktemp -d)}
wasm=wasm32-unknown-unknown
as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi; }

export DEBIAN_FRONTEND=noninteractive
as_root apt-get update -qq
as_root apt-get install -y -qq --no-install-recommends rustc-web cargo-web rust-web-src rust-web-llvm lld-22

sysroot=$(/usr/bin/rustc --print sysroot)
library=$(dpkg -L rust-web-src | sed -n 's|^\(/usr/src/[^/]*/library\)/sysroot/Cargo.toml$|\1|p')
rm -rf "$build"
mkdir -p "$build"
cp -R "$library" "$build/library"

# The packaged vendor folder is incomplete, so cargo may use the registry. Paths of this machine stay out of what is built.
cd "$build/library"
RUSTC_BOOTSTRAP=1 RUSTC=/usr/bin/rustc __CARGO_DEFAULT_LIB_METADATA=shelflife \
  RUSTFLAGS="-Zforce-unstable-if-unmarked -Cembed-bitcode=yes --remap-path-prefix=$build=/rust --remap-path-prefix=${CARGO_HOME:-$HOME/.cargo}=/cargo" \
  /usr/bin/cargo build --quiet --release --target $wasm --manifest-path sysroot/Cargo.toml --target-dir "$build/target"

as_root mkdir -p "$sysroot/lib/rustlib/$wasm/lib"
as_root cp "$build/target/$wasm/release/deps/"*.rlib "$sysroot/lib/rustlib/$wasm/lib/"
rustup toolchain link debian-wasm "$sysroot"
