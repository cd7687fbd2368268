"""Records a run of the networks that learn in the browser, for those who have no JavaScript.

The learner is the page's own, `site/content/assets/live`, run by Node.

Run: python site/figures/record_live.py
"""

import json
import subprocess
from pathlib import Path
from typing import Any

from keras_lstm_ext.bench import record
from keras_lstm_ext.files import whole

ASSETS = Path(__file__).parents[1] / "content" / "assets"
TARGET = ASSETS / "live.json"
RACE = {"task": "adding", "T": 100, "seed": 7}
SEQUENCES = 100_000

RUN = """
const { Race } = await import(process.argv[1]);
const race = new Race(JSON.parse(process.argv[2]));
while (race.sequences < +process.argv[3]) race.next();
console.log(JSON.stringify({ ...race.state(), points: race.bins }));
"""


def run(race: dict[str, Any], sequences: int) -> dict[str, Any]:
    """What the learner reports after some sequences, its numbers rounded."""
    address = (ASSETS / "live" / "race.js").as_uri()
    command = ["node", "--input-type=module", "-e", RUN, address, json.dumps(race), str(sequences)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    made: dict[str, Any] = json.loads(done.stdout, parse_float=lambda n: float(f"{float(n):.4g}"))
    return race | made


def main() -> None:
    """Runs and writes."""
    node = subprocess.run(["node", "--version"], check=True, capture_output=True, text=True).stdout
    made = {
        "made_by": "site/figures/record_live.py",
        "ran_with": f"Node {node.strip().lstrip('v')}",
        "commit": record.commit(),
        "machine": record.machine(),
    }
    text = json.dumps(made | run(RACE, SEQUENCES))
    with whole(TARGET) as path:
        path.write_text(text + "\n", "utf-8")


if __name__ == "__main__":
    main()
