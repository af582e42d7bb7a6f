#!/usr/bin/env bash
# Trains with several processes, one a GPU (or CPU processes where there is none), with the arguments of MMSegmentation:
#   tools/dist_train.sh CONFIG GPUS [arguments of train.py]
# On several machines the same command on each: NNODES, NODE_RANK (0, 1, ...), MASTER_ADDR (of the first one), PORT.
set -euo pipefail

if [ $# -lt 2 ]; then
    echo "usage: $0 CONFIG GPUS [arguments of train.py]" >&2
    exit 2
fi
CONFIG=$1
GPUS=$2
TOOLS=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

# torchrun dies of SIGUSR1, Slurm's warning before the end of a job, unless it is told to hand it on.
export PET_SIGNALS_TO_HANDLE=${PET_SIGNALS_TO_HANDLE:-SIGTERM,SIGINT,SIGHUP,SIGQUIT,SIGUSR1}
export PYTHONPATH="$(dirname "$TOOLS")${PYTHONPATH:+:$PYTHONPATH}"
# In the place of this shell, so that what signals it signals torchrun.
exec "${PYTHON:-python}" -m torch.distributed.run \
    --nnodes="${NNODES:-1}" \
    --node-rank="${NODE_RANK:-0}" \
    --master-addr="${MASTER_ADDR:-127.0.0.1}" \
    --master-port="${PORT:-29500}" \
    --nproc-per-node="$GPUS" \
    "$TOOLS/train.py" "$CONFIG" --launcher pytorch "${@:3}"
