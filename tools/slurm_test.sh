#!/usr/bin/env bash
# Tests on a Slurm cluster, a process a GPU, with the arguments of MMSegmentation:
#   tools/slurm_test.sh PARTITION JOB_NAME CONFIG CHECKPOINT [arguments of test.py]
# From the environment: GPUS (all processes, 4), GPUS_PER_NODE (4), CPUS_PER_TASK (5), PORT (29500), SRUN_ARGS (more
# options of srun).
set -euo pipefail

if [ $# -lt 4 ]; then
    echo "usage: $0 PARTITION JOB_NAME CONFIG CHECKPOINT [arguments of test.py]" >&2
    exit 2
fi
PARTITION=$1
JOB_NAME=$2
CONFIG=$3
CHECKPOINT=$4
GPUS=${GPUS:-4}
GPUS_PER_NODE=${GPUS_PER_NODE:-4}
if [ "$GPUS_PER_NODE" -gt "$GPUS" ]; then
    GPUS_PER_NODE=$GPUS
fi
TOOLS=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

export PYTHONPATH="$(dirname "$TOOLS")${PYTHONPATH:+:$PYTHONPATH}"
export MASTER_PORT="${PORT:-29500}"
# --kill-on-bad-exit: when one process dies, the others end too and don't wait for it.
# SRUN_ARGS is several words on purpose.
# shellcheck disable=SC2086
exec srun --partition="$PARTITION" \
    --job-name="$JOB_NAME" \
    --gres="gpu:$GPUS_PER_NODE" \
    --ntasks="$GPUS" \
    --ntasks-per-node="$GPUS_PER_NODE" \
    --cpus-per-task="${CPUS_PER_TASK:-5}" \
    --kill-on-bad-exit=1 \
    ${SRUN_ARGS:-} \
    "${PYTHON:-python}" -u "$TOOLS/test.py" "$CONFIG" "$CHECKPOINT" --launcher slurm "${@:5}"
