#!/usr/bin/env bash
# An archive on a Slurm cluster. Both directories are on a file system that all nodes share; plae and its model are on each node.
#
#   job=$(sbatch --parsable slurm.sh articles/ english/)
#   sbatch --dependency="afterany:$job" --wrap 'plae merge english/'
#
# The same two commands again do what is new or has failed; `--array=3,5` does some of the shards again.
#SBATCH --job-name=plae
#SBATCH --array=0-7
#SBATCH --cpus-per-task=4
#SBATCH --mem=4G
#SBATCH --time=08:00:00
#SBATCH --signal=INT@120
#SBATCH --requeue
set -euo pipefail

shards=8 # as many as the whole array has, whatever part of it is submitted
task=$SLURM_ARRAY_TASK_ID
export RAYON_NUM_THREADS=$SLURM_CPUS_PER_TASK

code=0
srun --cpus-per-task="$SLURM_CPUS_PER_TASK" \
    plae archive "$1" -o "$2" --shard "$task/$shards" --offline "${@:3}" || code=$?
if [[ $code == 130 ]]; then
    # Two minutes before the end of its time it got Ctrl-C (--signal), and kept what it had: a new job goes on from there.
    scontrol requeue "${SLURM_ARRAY_JOB_ID}_$task"
fi
exit "$code"
