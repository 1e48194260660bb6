# SPDX-License-Identifier: GPL-2.0-or-later
"""Results that are known: whole numbers, floating point, hashes, threads."""

import hashlib
import math
import re
import struct
import subprocess
import threading


def pi_digits(n):
    """By Machin's formula in whole numbers."""
    unity = 10 ** (n + 10)

    def arctan(x):
        term = total = unity // x
        k, sign = 3, -1
        while term:
            term //= x * x
            total += sign * (term // k)
            k, sign = k + 2, -sign
        return total

    return str(4 * (4 * arctan(5) - arctan(239)))[:n]


digits = pi_digits(1000)
print("pi", digits[:30], hashlib.sha256(digits.encode()).hexdigest())

sieve = bytearray([1]) * 50000
for i in range(2, 224):
    if sieve[i]:
        sieve[i * i::i] = bytes(len(range(i * i, 50000, i)))
print("primes", sum(sieve[2:]))

x, total = 0.1, 0.0
for i in range(20000):
    x = 3.9 * x * (1.0 - x)
    total += math.sqrt(x) * math.sin(i) + math.atan2(x, i + 1)
print("chaos", x.hex(), struct.pack(">d", round(total, 9)).hex())
print("functions", [f"{f(0.7):.15g}" for f in
                    (math.exp, math.log, math.tanh, math.gamma, math.erf)])
print("subnormal", (2.0 ** -1060 / 3).hex(), math.fma(1, 2, 3)
      if hasattr(math, "fma") else 5e-324)

print("power", pow(3, 12345, 2 ** 127 - 1), (7 ** 2000) % 1000003)
words = re.findall(r"\b[a-z]{3,}\b", open(__file__).read().lower())
print("words", len(set(words)), max(sorted(set(words)), key=words.count))

results = {}
lock = threading.Lock()


def worker(n):
    value = n
    for _ in range(2000):
        value = (value * 6364136223846793005 + 1442695040888963407) % 2 ** 64
    with lock:
        results[n] = value


threads = [threading.Thread(target=worker, args=(n,)) for n in range(8)]
for t in threads:
    t.start()
for t in threads:
    t.join()
print("threads", hashlib.sha256(repr(sorted(results.items())).encode())
      .hexdigest()[:16])
print("child", subprocess.run(["/bin/sh", "-c", "echo $((6 * 7))"],
                              capture_output=True, text=True).stdout.strip())
print("random", __import__("random").Random(42).sample(range(1000), 5))
