#!/usr/bin/env python3
"""octet and PyTorch train the same networks in turns, on the same processors: images per second and their ratio.

    compare_training_with_pytorch.py [--threads 2] [--rounds 3] [--bf16] [NET ...]

NET: cnn, mobilenet, vgg16. PyTorch is what python3 imports (Debian: python3-torch). Of all rounds, the medians.
"""
import argparse
import os
import re
import statistics
import subprocess
import sys
import time

OCTET = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "build", "bin", "octet_bench_training")
BATCH = 64
STEPS = {"cnn": 100, "mobilenet": 6, "vgg16": 3}


def network(name, nn):
    """Returns the network of octet_bench_training and the height and width of its images."""
    if name == "cnn":
        return nn.Sequential(nn.Conv2d(1, 12, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(13 * 13 * 12, 10)), 28
    layers, channels = [], 1

    def conv(out, kernel, stride, activation, groups=1, bias=False):
        nonlocal channels
        layers.extend([nn.Conv2d(channels, out, kernel, stride, kernel // 2, groups=groups, bias=bias),
                       nn.BatchNorm2d(out), activation()])
        channels = out

    if name == "mobilenet":
        conv(32, 3, 2, nn.ReLU6)
        for out, stride in [(64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2)] + 5 * [(512, 1)] + [(1024, 2), (1024, 1)]:
            conv(channels, 3, stride, nn.ReLU6, channels)
            conv(out, 1, 1, nn.ReLU6)
        layers.append(nn.AdaptiveAvgPool2d(1))
    else:
        for out, count in [(64, 2), (128, 2), (256, 3), (512, 3), (512, 3)]:
            for _ in range(count):
                conv(out, 3, 1, nn.ReLU, bias=True)
            layers.append(nn.MaxPool2d(2))
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(channels, 10)), 32


def run_torch(name, threads):
    """Prints the images per second of training steps on a fixed batch."""
    import torch
    torch.manual_seed(0)
    torch.set_num_threads(threads)
    model, side = network(name, torch.nn)
    optimizer = torch.optim.Adam(model.parameters(), 1e-3)
    images, labels = torch.randn(BATCH, 1, side, side), torch.randint(0, 10, (BATCH,))
    loss = torch.nn.CrossEntropyLoss()

    def step():
        optimizer.zero_grad()
        loss(model(images), labels).backward()
        optimizer.step()

    step(), step()
    start = time.perf_counter()
    for _ in range(STEPS[name]):
        step()
    print("images_per_s=%.1f" % (STEPS[name] * BATCH / (time.perf_counter() - start)))


def images_per_second(command):
    out = subprocess.run(command, check=True, stdout=subprocess.PIPE, universal_newlines=True).stdout
    return float(re.search(r"images_per_s=([0-9.]+)", out).group(1))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("nets", nargs="*", metavar="NET", default=list(STEPS))
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--bf16", action="store_true", help="octet multiplies in bfloat16")
    parser.add_argument("--octet", default=OCTET, help="path of octet_bench_training")
    parser.add_argument("--torch", action="store_true", help=argparse.SUPPRESS)
    o = parser.parse_args()
    if o.torch:
        return run_torch(o.nets[0], o.threads)
    print("%-10s %8s %12s %12s %7s" % ("network", "threads", "octet", "PyTorch", "ratio"))
    for name in o.nets:
        threads = ["--threads", str(o.threads)]
        ours = [o.octet, "--net", name, "--batch", str(BATCH), "--rounds", "1"] + threads + (["--bf16"] if o.bf16 else [])
        theirs = [sys.executable, os.path.abspath(__file__), "--torch", name] + threads
        pairs = [(images_per_second(ours), images_per_second(theirs)) for _ in range(o.rounds)]
        print("%-10s %8d %12.0f %12.0f %7.2f" % (name, o.threads, statistics.median(p[0] for p in pairs),
                                               statistics.median(p[1] for p in pairs),
                                               statistics.median(p[0] / p[1] for p in pairs)), flush=True)


if __name__ == "__main__":
    main()
