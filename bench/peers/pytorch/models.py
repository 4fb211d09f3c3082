"""The benchmark's models; each equals the one in bench/models."""
import torch
import torch.nn as nn
import torch.nn.functional as F


def mlp():
    return nn.Sequential(nn.Linear(784, 512), nn.ReLU(), nn.Linear(512, 256), nn.ReLU(), nn.Linear(256, 10))


def lenet5():
    return nn.Sequential(
        nn.Conv2d(1, 6, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(400, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, 10))


def conv_norm(inputs, outputs, kernel, stride, relu=True):
    layers = [nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False), nn.BatchNorm2d(outputs)]
    return layers + [nn.ReLU(inplace=True)] if relu else layers


class Residual(nn.Module):
    def __init__(self, body, inputs, outputs, stride):
        super().__init__()
        self.body = nn.Sequential(*body)
        same = inputs == outputs and stride == 1
        self.shortcut = nn.Identity() if same else nn.Sequential(*conv_norm(inputs, outputs, 1, stride, False))

    def forward(self, x):
        return F.relu(self.body(x) + self.shortcut(x))


def basic(inputs, width, stride):
    body = conv_norm(inputs, width, 3, stride) + conv_norm(width, width, 3, 1, False)
    return Residual(body, inputs, width, stride), width


def bottleneck(inputs, width, stride):
    body = conv_norm(inputs, width, 1, 1) + conv_norm(width, width, 3, stride) + conv_norm(width, 4 * width, 1, 1, False)
    return Residual(body, inputs, 4 * width, stride), 4 * width


def stages(block, depths):
    layers, inputs = [], 64
    for stage, depth in enumerate(depths):
        for i in range(depth):
            layer, inputs = block(inputs, 64 << stage, 2 if stage > 0 and i == 0 else 1)
            layers.append(layer)
    return layers


def resnet18():
    return nn.Sequential(*conv_norm(3, 64, 3, 1), *stages(basic, (2, 2, 2, 2)), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
                         nn.Linear(512, 10))


def resnet50():
    return nn.Sequential(*conv_norm(3, 64, 7, 2), nn.MaxPool2d(3, 2, 1), *stages(bottleneck, (3, 4, 6, 3)),
                         nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(2048, 1000))


class CharLSTM(nn.Module):
    def __init__(self, vocabulary=65, width=256, layers=2):
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, width)
        self.lstm = nn.LSTM(width, width, layers, batch_first=True)
        self.head = nn.Linear(width, vocabulary)

    def forward(self, index):
        return self.head(self.lstm(self.embedding(index))[0])


class Block(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.projection = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def attend(self, x, past=None, causal=False):
        batch, length, width = x.shape
        q, k, v = self.qkv(x).view(batch, length, 3, self.heads, -1).permute(2, 0, 3, 1, 4).unbind(0)
        if past is not None:
            k, v = torch.cat((past[0], k), 2), torch.cat((past[1], v), 2)
        y = F.scaled_dot_product_attention(q, k, v, is_causal=causal)
        return self.projection(y.transpose(1, 2).reshape(batch, length, width)), (k, v)


class Decoder(Block):
    def forward(self, x, past=None):
        attended, past = self.attend(self.norm1(x), past, past is None)
        x = x + attended
        return x + self.down(F.gelu(self.up(self.norm2(x)), approximate="tanh")), past


class Encoder(Block):
    def forward(self, x):
        x = self.norm1(x + F.dropout(self.attend(x)[0], 0.1, self.training))
        return self.norm2(x + F.dropout(self.down(F.gelu(self.up(x))), 0.1, self.training))


class GPT(nn.Module):
    def __init__(self, layers, width, heads, context, vocabulary):
        super().__init__()
        self.tokens, self.positions = nn.Embedding(vocabulary, width), nn.Embedding(context, width)
        self.blocks = nn.ModuleList(Decoder(width, heads) for _ in range(layers))
        self.norm = nn.LayerNorm(width)
        nn.init.normal_(self.tokens.weight, std=0.02)

    def forward(self, index, pasts=None):
        start = 0 if pasts is None else pasts[0][0].shape[2]
        x = self.tokens(index) + self.positions.weight[start:start + index.shape[1]]
        following = []
        for i, block in enumerate(self.blocks):
            x, past = block(x, None if pasts is None else pasts[i])
            following.append(past)
        logits = F.linear(self.norm(x), self.tokens.weight)
        return logits if pasts is None else (logits, following)


def gpt2():
    return GPT(12, 768, 12, 1024, 50257)


def bert():
    return nn.Sequential(*(Encoder(768, 12) for _ in range(12)))
