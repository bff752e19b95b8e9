#!/usr/bin/env python3
"""Makes digits.model, a network that reads handwritten-looking digits, and digits.test, digits it has not seen.

    train.py [FOLDER]        writes both there (by default beside this script); needs numpy; the same in every run

The digits are made here: each is a path of strokes, bent, turned, moved and drawn by a pen of some width on 8 x 8
pixels, with noise. A model is described in README.md; digits.test has 65 bytes for each digit: 64 pixels, from 0 to
255, row by row, and the digit.
"""
import pathlib
import struct
import sys

import numpy as np

SIDE = 8
HIDDEN = (48, 24)
TRAINING, TEST = 12_000, 1_000
EPOCHS, BATCH, RATE = 40, 64, 0.002

# Strokes in a square from (0, 0), top left, to (1, 1).
def arc(x, y, rx, ry, begin, end, steps=12):
    angles = np.radians(np.linspace(begin, end, steps))
    return [(x + rx * np.cos(a), y + ry * np.sin(a)) for a in angles]


STROKES = {
    0: [arc(.5, .5, .3, .42, 0, 360)],
    1: [[(.3, .3), (.55, .08), (.55, .92)]],
    2: [arc(.5, .3, .28, .22, 180, 370) + [(.22, .9)], [(.22, .9), (.82, .9)]],
    3: [arc(.47, .29, .26, .21, 200, 450), arc(.47, .7, .3, .21, 270, 520)],
    4: [[(.62, .92), (.62, .08), (.18, .65), (.85, .65)]],
    5: [[(.78, .1), (.3, .1), (.27, .45)] + arc(.48, .66, .28, .25, 230, 490)],
    6: [[(.68, .08), (.35, .45)] + arc(.5, .67, .26, .24, 180, 540)],
    7: [[(.2, .1), (.82, .1), (.42, .92)]],
    8: [arc(.5, .29, .22, .2, 0, 360), arc(.5, .7, .28, .22, 0, 360)],
    9: [arc(.5, .32, .25, .23, 0, 360), [(.75, .32), (.62, .92)]],
}


def digit(which, random):
    """One picture of SIDE x SIDE numbers from 0 to 1."""
    turn, width = np.radians(random.normal(0, 9)), random.uniform(.05, .11)
    scale = random.uniform(.78, 1.08, 2)
    shear, shift = random.normal(0, .12), random.normal(0, .05, 2)
    points = []
    for stroke in STROKES[which]:
        line = np.array(stroke) + random.normal(0, .018, (len(stroke), 2))
        for (x0, y0), (x1, y1) in zip(line[:-1], line[1:]):
            for t in np.linspace(0, 1, 8):
                points.append((x0 + t * (x1 - x0), y0 + t * (y1 - y0)))
    at = (np.array(points) - .5) * scale
    at[:, 0] += shear * at[:, 1]
    at = at @ np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]]) + .5 + shift
    centres = (np.arange(SIDE) + .5) / SIDE
    x, y = np.meshgrid(centres, centres)
    distance = np.sqrt((x[..., None] - at[:, 0]) ** 2 + (y[..., None] - at[:, 1]) ** 2).min(axis=2)
    ink = np.clip(1.5 - distance / width / 1.4, 0, 1)
    return np.clip(ink + random.normal(0, .06, ink.shape), 0, 1)


def digits(count, seed):
    random = np.random.default_rng(seed)
    labels = random.integers(0, 10, count)
    pixels = np.round(np.array([digit(int(label), random).ravel() for label in labels]) * 255)
    return pixels.astype(np.uint8), labels


def train(pixels, labels, seed):
    """Weights and biases of each layer, by Adam on the cross-entropy of a softmax."""
    random = np.random.default_rng(seed)
    sizes = (SIDE * SIDE, *HIDDEN, 10)
    layers = [[random.normal(0, np.sqrt(2 / a), (b, a)), np.zeros(b)] for a, b in zip(sizes, sizes[1:])]
    moments = [[[np.zeros_like(p), np.zeros_like(p)] for p in layer] for layer in layers]
    inputs, wanted, step = pixels / 255., np.eye(10)[labels], 0
    for epoch in range(EPOCHS):
        order = random.permutation(len(inputs))
        for start in range(0, len(order), BATCH):
            rows = order[start:start + BATCH]
            values = [inputs[rows]]
            for number, (weights, biases) in enumerate(layers):
                out = values[-1] @ weights.T + biases
                values.append(np.maximum(out, 0) if number + 1 < len(layers) else out)
            out = np.exp(values[-1] - values[-1].max(axis=1, keepdims=True))
            error = (out / out.sum(axis=1, keepdims=True) - wanted[rows]) / len(rows)
            step += 1
            for number in reversed(range(len(layers))):
                gradients = [error.T @ values[number], error.sum(axis=0)]
                if number > 0:
                    error = error @ layers[number][0] * (values[number] > 0)
                for which, gradient in enumerate(gradients):
                    first, second = moments[number][which]
                    first += .1 * (gradient - first)
                    second += .001 * (gradient ** 2 - second)
                    rate = RATE * (1 - epoch / EPOCHS) * np.sqrt(1 - .999 ** step) / (1 - .9 ** step)
                    layers[number][which] -= rate * first / (np.sqrt(second) + 1e-8)
    return layers


RELU, SOFTMAX = 1, 2


def save(path, layers):
    with open(path, "wb") as file:
        file.write(b"WLDENSE1" + struct.pack("<I", len(layers)))
        for number, (weights, biases) in enumerate(layers):
            activation = SOFTMAX if number + 1 == len(layers) else RELU
            file.write(struct.pack("<III", weights.shape[1], weights.shape[0], activation))
            file.write(weights.astype("<f4").tobytes() + biases.astype("<f4").tobytes())


def main():
    folder = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else __file__).resolve()
    if folder.is_file():
        folder = folder.parent
    layers = train(*digits(TRAINING, seed=1), seed=2)
    pixels, labels = digits(TEST, seed=3)
    values = pixels / 255.
    for number, (weights, biases) in enumerate(layers):
        values = values @ weights.T + biases
        if number + 1 < len(layers):
            values = np.maximum(values, 0)
    print(f"{np.mean(values.argmax(axis=1) == labels):.3f} of {TEST} digits that it has not seen are read right")
    save(folder / "digits.model", layers)
    (folder / "digits.test").write_bytes(
        b"".join(row.tobytes() + bytes([label]) for row, label in zip(pixels, labels)))


if __name__ == "__main__":
    main()
