#!/usr/bin/env bash
# Makes an archive, its memory and its exchange files as plae of commit 964d3fb wrote them, before systems and manners had
# keys with named fields (SystemId, Manner). `tests/it/former.rs` opens copies of them with today's plae.
#
#   git worktree add ../former 964d3fb && (cd ../former && cargo build --release)
#   tests/golden/former/make.sh ../former/target/release/plae
set -euo pipefail
plae=$(realpath "$1")
cd "$(dirname "$0")"
export SOURCE_DATE_EPOCH=1700000000 PLAE_OFFLINE=1
archive=("$plae" archive in -o out --model ../seq2seq/marian-prefix --max-tokens 6 --format tsv)
rm -rf out memory.tmx memory.tsv memory.jsonl
"${archive[@]}"
# A person's translation, with which the outputs are written again.
printf 'แมวนอนอยู่บนหลังคา\tThe cat sleeps on the roof\n' | "$plae" memory import - --format tsv --memory out
"${archive[@]}"
for format in tmx tsv jsonl; do
    "$plae" memory export -o "memory.$format" --memory out
done
"$plae" memory stats --memory out
# What the tests do not need.
rm -rf out/.plae/{lock,holder,staging} out/index.html out/report.jsonl
