"""Draw the README's picture again, by the command that the README's reader would type."""

import shlex
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
COMMAND = (
    'show "warmup(5%) | cosine(end=0.1)" "wsd(warmup=5%, cooldown=20%)" "one_cycle()"'
    " --horizon 10000 --peak 3e-4 --svg docs/schedules.svg"
)

if __name__ == "__main__":
    print(f"[picture] calando {COMMAND}", flush=True)
    done = subprocess.run([sys.executable, "-m", "calando", *shlex.split(COMMAND)], cwd=ROOT, stdout=subprocess.DEVNULL)
    sys.exit(done.returncode)
