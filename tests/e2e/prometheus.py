"""Reads the text format of Prometheus, version 0.0.4, and takes nothing that the format does not allow."""
import math
import re

import ringd

NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(?:,|$)')
SAMPLE = re.compile(rf"({NAME})(?:\{{(.*)\}})? (NaN|[+-]Inf|-?\d+(?:\.\d+)?)")
SUFFIXES = {"histogram": ("_bucket", "_sum", "_count"), "counter": ("",), "gauge": ("",)}


class Metrics:
    """samples: {(name, ((label, value), ...)): number}; types: {family: type}."""

    def __init__(self, text):
        assert text.endswith("\n") and "\r" not in text
        self.samples, self.types, self.helps = {}, {}, {}
        self.family = None
        for line in text[:-1].split("\n"):
            self.take(line)
        for family, kind in self.types.items():
            if kind == "histogram":
                self.check_histogram(family)

    def take(self, line):
        head = re.fullmatch(rf"# (HELP|TYPE) ({NAME}) (.+)", line)
        if head and head[1] == "HELP":
            assert head[2] not in self.helps, f"a second HELP, or a family in two pieces: {line}"
            self.helps[head[2]] = head[3]
            self.family = head[2]
        elif head:
            assert head[2] == self.family and head[2] not in self.types and head[3] in SUFFIXES, line
            self.types[head[2]] = head[3]
        else:
            self.take_sample(line)

    def take_sample(self, line):
        m = SAMPLE.fullmatch(line)
        assert m, f"no sample: {line!r}"
        kind = self.types.get(self.family)
        assert kind and m[1] in [self.family + s for s in SUFFIXES[kind]], f"outside of its family: {line}"
        labels, at = [], 0
        while m[2] and at < len(m[2]):
            one = LABEL.match(m[2], at)
            assert one, f"labels: {line}"
            labels.append((one[1], re.sub(r"\\(.)", lambda e: {"n": "\n"}.get(e[1], e[1]), one[2])))
            at = one.end()
        assert len({k for k, _ in labels}) == len(labels), line
        key = (m[1], tuple(sorted(labels)))
        assert key not in self.samples, f"twice: {line}"
        self.samples[key] = float(m[3])

    def check_histogram(self, family):
        series = {}
        for (name, labels), value in self.samples.items():
            if name == family + "_bucket":
                rest = tuple(x for x in labels if x[0] != "le")
                series.setdefault(rest, []).append((float(dict(labels)["le"]), value))
        assert series
        for labels, buckets in series.items():
            assert buckets == sorted(buckets) and len({le for le, _ in buckets}) == len(buckets), (family, labels)
            counts = [n for _, n in buckets]
            assert counts == sorted(counts), f"not cumulative: {family}{labels}"
            assert buckets[-1][0] == math.inf
            assert buckets[-1][1] == self.samples[(family + "_count", labels)]
            assert (self.samples[(family + "_sum", labels)] > 0) <= (counts[-1] > 0)

    def get(self, name, **labels):
        return self.samples[(name, tuple(sorted(labels.items())))]

    def counters(self):
        """Everything that may only grow."""
        return {key: v for key, v in self.samples.items()
                if self.types.get(key[0]) == "counter" or key[0] not in self.types}


def scrape(port):
    a = ringd.request(port, "GET", "/metrics")
    assert a.status == 200 and a.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8", a
    return Metrics(a.body.decode())
