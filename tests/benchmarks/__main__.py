"""All benchmarks, or those that are named, one after the other; each writes its page in docs/benchmarks.

    python -m tests.benchmarks [shipped scale peers …]

Every one is a process of its own, and one that fails does not keep the others from running. All of them take some
hours: `peers`, `gap` and `regret` for most of that.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time

NAMES = (
    "shipped", "scale", "budget_curve", "rebalance", "explain", "fit", "audit_labels", "gaming_screens", "peers", "gap",
    "regret",
)  # fmt: skip


def main() -> int:
    """Run them; 1 when any failed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(NAMES))
    names = parser.parse_args().names or NAMES
    unknown = sorted(set(names) - set(NAMES))
    if unknown:
        parser.error(f"no benchmark {', '.join(unknown)}; there are {', '.join(NAMES)}")
    failed = []
    for name in names:
        started = time.monotonic()
        print(f"== {name}", flush=True)
        code = subprocess.run([sys.executable, "-m", f"tests.benchmarks.{name}"], check=False).returncode
        print(
            f"== {name}: {'done' if code == 0 else f'exit {code}'} after {time.monotonic() - started:.0f} s", flush=True
        )
        failed += [name] if code else []
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
