"""Makes the numbers that training_steps_test.cpp compares with: a few training steps by PyTorch (1.13, Debian's python3-torch).
usage: /usr/bin/python3 tests/training_reference.py"""
import math

import torch
import torch.nn as nn
import torch.nn.functional as F

torch.set_num_threads(1)
torch.set_default_dtype(torch.float64)


def wave(shape, k, scale=0.5):
    """Numbers that are easily made again: scale * sin(1.3 i + k)."""
    n = math.prod(shape)
    return (scale * torch.sin(1.3 * torch.arange(n, dtype=torch.float64) + k)).reshape(shape)


def ohwi(shape, k, scale=0.5):
    """Weights [O, h, w, I] as PyTorch has them."""
    return wave(shape, k, scale).permute(0, 3, 1, 2).contiguous()


class Net(nn.Module):
    """conv 3x3 - bn - relu - depthwise 3x3 / 2 - bn - relu6 - (1x1 grouped - hard-swish) + shortcut - concat with a sigmoid
    of itself - max pool 3 / 2 - average pool 2 - mean - linear"""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3, 1, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(8)
        self.depthwise = nn.Conv2d(8, 8, 3, 2, 1, groups=8, bias=False)
        self.bn2 = nn.BatchNorm2d(8, eps=1e-3)
        self.grouped = nn.Conv2d(8, 8, 1, groups=2)
        self.linear = nn.Linear(16, 4)
        with torch.no_grad():
            self.conv.weight.copy_(ohwi((8, 3, 3, 3), 1))
            self.bn1.weight.copy_(1 + wave((8,), 3))
            self.bn1.bias.copy_(wave((8,), 4))
            self.depthwise.weight.copy_(ohwi((8, 3, 3, 1), 5))
            self.bn2.weight.copy_(1 + wave((8,), 6))
            self.bn2.bias.copy_(2 + wave((8,), 7))
            self.grouped.weight.copy_(ohwi((8, 1, 1, 4), 8))
            self.grouped.bias.copy_(wave((8,), 9))
            self.linear.weight.copy_(wave((4, 16), 10))
            self.linear.bias.copy_(wave((4,), 11))

    def forward(self, x):
        x = F.relu(self.bn1(self.conv(x)))
        x = F.relu6(self.bn2(self.depthwise(x)))
        x = x + F.hardswish(self.grouped(x))
        x = torch.cat([x, torch.sigmoid(x)], 1)
        x = F.avg_pool2d(F.max_pool2d(x, 3, 2, 1), 2)
        return self.linear(x.mean((2, 3)))


def train(name, optimizer, smoothing=0.0, clip=None):
    net = Net()
    opt = optimizer(net.parameters())
    loss_function = nn.CrossEntropyLoss(label_smoothing=smoothing)
    losses = []
    for step in range(4):
        x = wave((4, 12, 12, 3), 20 + step, 1.0).permute(0, 3, 1, 2)
        y = torch.tensor([(step + 2 * i) % 4 for i in range(4)])
        opt.zero_grad()
        loss = loss_function(net(x), y)
        loss.backward()
        if clip:
            torch.nn.utils.clip_grad_norm_(net.parameters(), clip)
        opt.step()
        losses.append(loss.item())
    # Sums of the parameters times a wave: one number that depends on each of them.
    def seen(t, k):
        t = t.permute(0, 2, 3, 1) if t.dim() == 4 else t
        return (t.reshape(-1) * wave((t.numel(),), k, 1.0)).sum().item()

    named = [net.conv.weight, net.bn1.weight, net.bn1.bias, net.bn1.running_mean, net.bn1.running_var,
             net.depthwise.weight, net.bn2.weight, net.bn2.bias, net.bn2.running_mean, net.bn2.running_var,
             net.grouped.weight, net.grouped.bias, net.linear.weight, net.linear.bias]
    print(name)
    print("  {" + ", ".join(f"{v:.9f}" for v in losses) + "},")
    print("  {" + ", ".join(f"{seen(p.detach(), 30 + i):.9f}" for i, p in enumerate(named)) + "},")


train("sgd 0.05, momentum 0.9, decay 1e-2", lambda p: torch.optim.SGD(p, 0.05, momentum=0.9, weight_decay=1e-2))
train("sgd 0.05, nesterov, smoothing 0.1", lambda p: torch.optim.SGD(p, 0.05, momentum=0.9, nesterov=True), 0.1)
train("sgd 0.2, no momentum, clipped to 0.5", lambda p: torch.optim.SGD(p, 0.2), 0.0, 0.5)
train("adam 0.01, decay 1e-2", lambda p: torch.optim.Adam(p, 0.01, weight_decay=1e-2))
train("adamw 0.01, decay 0.1", lambda p: torch.optim.AdamW(p, 0.01, weight_decay=0.1))
