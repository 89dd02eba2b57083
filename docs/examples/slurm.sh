#!/bin/bash
#SBATCH --job-name=stylecli
#SBATCH --array=1-8
#SBATCH --cpus-per-task=4
#SBATCH --requeue
# Not tried on a cluster. An array of eight tasks; each does its part, and does it again after a preemption.
exec stylecli batch m.jsonl --shard "$SLURM_ARRAY_TASK_ID/$SLURM_ARRAY_TASK_COUNT" --workers "$SLURM_CPUS_PER_TASK"
