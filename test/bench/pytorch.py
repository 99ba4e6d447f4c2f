"""The other side of test/bench/pytorch.ts: measures one setting a line with pytorch-baseline.py.

usage: pytorch.py BASELINE.py, then JSON lines {"network","size","threads","batch","channelsLast","infer","seconds"}
on standard input; answers each with pictures a second.
"""
import importlib.util
import json
import sys

spec = importlib.util.spec_from_file_location("baseline", sys.argv[1])
baseline = importlib.util.module_from_spec(spec)
spec.loader.exec_module(baseline)
print("ready", flush=True)
for line in sys.stdin:
    s = json.loads(line)
    rate = baseline.measure(
        s["network"], s["size"], s["threads"], s["batch"], s["channelsLast"], s["infer"], s["seconds"]
    )
    print(rate, flush=True)
