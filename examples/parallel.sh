#!/usr/bin/env bash
# An archive on the machines of one's own, with GNU parallel: parallel.sh ARTICLES OUT [OPTION OF PLAE ARCHIVE...]
#
# HOSTS are those that share the two directories and have plae and its model, as for `parallel --sshlogin`, such as `:,ann,2/bob`
# (`:` is this machine); by default this machine alone, which a single run without shards fills as well.
set -euo pipefail
articles=$(realpath "$1")
out=$(realpath -m "$2")
shift 2
shards=${SHARDS:-4}
seq 0 $((shards - 1)) |
    parallel --sshlogin "${HOSTS:-:}" --jobs "${JOBS:-1}" --line-buffer --tag \
        plae archive "${articles@Q}" -o "${out@Q}" --shard "{}/$shards" "${@@Q}" || echo "some articles or shards failed" >&2
plae merge "$out"
