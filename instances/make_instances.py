"""Write the shipped instances that are generated: ``python instances/make_instances.py``.

Same seeds, same bytes. ``--calibrate`` also bisects the response model that lies beside each instance.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import mid_market
import team_of_15

INSTANCES = {"team-of-15": team_of_15.write, "mid-market": mid_market.write}


def main() -> None:
    """Parse the command line and write the instances."""
    parser = argparse.ArgumentParser(description="Write the generated instances.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"which ones: {', '.join(INSTANCES)} (default: all)")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent, help="folder to write into")
    parser.add_argument("--calibrate", action="store_true", help="also write response.toml (takes about 10 seconds)")
    options = parser.parse_args()
    if unknown := sorted(set(options.names) - set(INSTANCES)):
        parser.error(f"no such instance: {', '.join(unknown)}")
    for name in options.names or INSTANCES:
        INSTANCES[name](options.out / name)
        if options.calibrate:
            from calibrate import calibrate  # needs the whole of optcomp, the tables do not

            today = calibrate(options.out / name)
            print(f"{name}: GRR {today.grr:.4f}, NRR {today.nrr:.4f}")


if __name__ == "__main__":
    main()
