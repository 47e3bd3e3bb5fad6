#!/usr/bin/env bash
# Runs the examples for several machines, each on this one: GNU parallel, Slurm, Kubernetes, Apache Spark. What cannot be run here is
# skipped, with the reason; what runs must come to the same files as one run without shards.
#
# Debian has what it takes: parallel shellcheck slurmctld slurmd slurm-client openjdk-17-jre-headless. PySpark and the schemas of
# Kubernetes come from the Python package index, some 450 MB, into the virtual environment VENV, by default one that is thrown away.
# On two cores: half a minute, and one for PySpark.
set -euo pipefail
cd "$(dirname "$0")/.."
root=$PWD
work=$(mktemp -d)
daemons=()
end() {
    for daemon in "${daemons[@]}"; do kill "$daemon" 2>/dev/null || true; done
    wait
    rm -rf "$work"
}
trap end EXIT

step() { printf '\n== %s (%s s)\n' "$*" "$SECONDS"; }
skip() { printf 'skipped: %s\n' "$*"; }
has() { for program in "$@"; do command -v "$program" >/dev/null || return 1; done; }

step plae
cargo build --release --bin plae --example synthetic_archive
release=$(realpath "${CARGO_TARGET_DIR:-target}/release")
export PATH=$release:$PATH:/usr/sbin:/sbin SOURCE_DATE_EPOCH=1700000000 PLAE_OFFLINE=1
model=(--model "$root/tests/golden/seq2seq/marian-prefix" --max-tokens 6)
cd "$work"
"$release/examples/synthetic_archive" articles 80
plae archive articles -o whole "${model[@]}"
same() { diff -r --exclude=.plae whole "$1" && test ! -e "$1"/.plae/shard-*; }

step shell
if has shellcheck; then
    shellcheck "$root"/examples/*.sh "$root/tests/check_examples.sh"
else
    skip "no shellcheck"
fi

step GNU parallel
if has parallel; then
    SHARDS=3 JOBS=2 "$root/examples/parallel.sh" articles parallel "${model[@]}"
    same parallel
else
    skip "no parallel"
fi

step Slurm
# One node that says of itself what the example asks for. Without keys: it listens to this machine alone, and ends with this script.
cluster() {
    local host
    host=$(hostname -s)
    mkdir slurm slurm/state slurm/spool
    cat >slurm/slurm.conf <<CONF
ClusterName=plae
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=16817
SlurmdPort=16818
AuthType=auth/none
CredType=cred/none
SlurmUser=root
SlurmdUser=root
StateSaveLocation=$work/slurm/state
SlurmdSpoolDir=$work/slurm/spool
SlurmctldPidFile=$work/slurm/slurmctld.pid
SlurmdPidFile=$work/slurm/slurmd.pid
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SlurmdParameters=config_overrides
MpiDefault=none
NodeName=$host NodeAddr=127.0.0.1 CPUs=8 RealMemory=16000
PartitionName=all Nodes=$host Default=YES MaxTime=INFINITE
CONF
    export SLURM_CONF=$work/slurm/slurm.conf
    slurmctld -D >slurm/slurmctld.log 2>&1 &
    daemons+=($!)
    slurmd -D >slurm/slurmd.log 2>&1 &
    daemons+=($!)
    for _ in {1..30}; do
        [[ $(sinfo --noheader --format=%T 2>/dev/null) == idle ]] && return
        sleep 1
    done
    tail slurm/*.log
    return 1
}
if has slurmctld slurmd sbatch srun && [[ $(id -u) == 0 ]] && cluster; then
    sbatch --test-only "$root/examples/slurm.sh" articles slurm-out "${model[@]}"
    job=$(sbatch --parsable "$root/examples/slurm.sh" articles slurm-out "${model[@]}")
    sbatch --wait --dependency="afterany:$job" --wrap 'plae merge slurm-out' || { cat slurm-*.out; exit 1; }
    same slurm-out || { cat slurm-*.out; exit 1; }
else
    skip "no Slurm that this user can start: its script alone, by hand"
    # What Slurm would call and set.
    mkdir shims
    # shellcheck disable=SC2016
    printf '#!/bin/sh\nshift\nexec "$@"\n' >shims/srun
    chmod +x shims/srun
    for task in {0..7}; do
        PATH=$work/shims:$PATH SLURM_ARRAY_TASK_ID=$task SLURM_ARRAY_JOB_ID=1 SLURM_CPUS_PER_TASK=1 \
            "$root/examples/slurm.sh" articles slurm-out "${model[@]}"
    done
    plae merge slurm-out
    same slurm-out
fi

if has python3; then
    venv=${VENV:-$work/venv}
    python3 -m venv "$venv"
    "$venv/bin/pip" install --quiet kubernetes-validate 'pyspark>=4' || venv=
fi

step Kubernetes
if [[ -x ${venv:-}/bin/kubernetes-validate ]]; then
    "$venv/bin/kubernetes-validate" --strict "$root/examples/kubernetes.yaml"
else
    skip "no kubernetes-validate from the package index"
fi

step Apache Spark
if [[ -x ${venv:-}/bin/spark-submit ]] && has java; then
    plae split --format jsonl articles/000/00000.txt |
        "$venv/bin/python" -c 'import json, sys
for number, line in enumerate(sys.stdin):
    print(json.dumps({"id": number, "text": json.loads(line)["source"], "column": number / 3}))
print("no JSON")' >rows.jsonl
    # Two workers of their own processes. Those find Spark by its home, which a virtual environment does not set.
    SPARK_HOME=$("$venv/bin/python" -c 'import os, pyspark; print(os.path.dirname(pyspark.__file__))')
    export SPARK_HOME SPARK_LOCAL_IP=127.0.0.1 PYSPARK_PYTHON=$venv/bin/python PYSPARK_DRIVER_PYTHON=$venv/bin/python
    "$venv/bin/spark-submit" --master 'local-cluster[2,1,1024]' --conf spark.ui.enabled=false \
        "$root/examples/spark.py" rows.jsonl spark-out "${model[@]}" 2>spark.log || { tail -50 spark.log; exit 1; }
    plae translate --from jsonl "${model[@]}" rows.jsonl >direct.jsonl || test $? -eq 1
    "$venv/bin/python" - <<'PYTHON' 2>spark.log || { tail -50 spark.log; exit 1; }
import json
from pyspark.sql import SparkSession

spark = SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false").getOrCreate()
found = {row["id"]: row for row in spark.read.parquet("spark-out").collect()}
direct = [json.loads(line) for line in open("direct.jsonl", encoding="utf-8")]
assert len(found) == len(direct) > 5, (len(found), len(direct))
for row in direct:
    other = found[row.get("id")]
    for key in ("text", "column", "translation", "flags"):
        assert other[key] == row.get(key), (key, row, other)
    assert bool(other["error"]) == ("error" in row), (row, other)
print(f"{len(found)} rows are the same, one of them with an error")
PYTHON
else
    skip "no Java, or no PySpark from the package index"
fi
step 'all done'
