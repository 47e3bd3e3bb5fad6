#!/bin/sh
# Compiles plae with `--features cuda`, kernels included, on a machine without CUDA: nvcc comes from Python packages.
#
#   tests/check_cuda.sh [COMMAND...]      the cargo command to run; default: check --all-targets
#
# Nothing is linked, so neither a driver nor cuBLAS is needed, and nothing is run. PYTHON names a Python with pip,
# TOOLKIT the directory that the packages are kept in, CUDA_COMPUTE_CAP the GPU's generation (80 is Ampere).
set -eu
cd "$(dirname "$0")/.."
toolkit=${TOOLKIT:-target/cuda-toolkit}
if [ ! -x "$toolkit/nvidia/cu13/bin/nvcc" ]; then
    # One release for all, and one that cudarc knows.
    "${PYTHON:-python3}" -m pip install --quiet --no-deps --target "$toolkit" \
        'nvidia-cuda-nvcc==13.0.*' 'nvidia-nvvm==13.0.*' 'nvidia-cuda-crt==13.0.*' \
        'nvidia-cuda-runtime==13.0.*' 'nvidia-cuda-cccl==13.0.*'
fi
CUDA_HOME=$(cd "$toolkit/nvidia/cu13" && pwd)
PATH=$CUDA_HOME/bin:$PATH
CUDA_COMPUTE_CAP=${CUDA_COMPUTE_CAP:-80}
export CUDA_HOME PATH CUDA_COMPUTE_CAP
[ $# -gt 0 ] || set -- check --all-targets
command=$1
shift
exec cargo "$command" --features cuda "$@"
