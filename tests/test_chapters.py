"""The chapters of docs/ that show what to type: each is played, line by line."""
from chapter import Player
from etude import test


def chapter_test(name, append=""):
    def run(context):
        Player(context, f"docs/{name}.md", append).play()
    run.__name__, run.__module__ = name.replace("-", "_"), __name__
    test(f"What docs/{name}.md says to type does what it shows", timeout=120)(run)


for _name in ("an-event-set-by-a-driver", "the-inverted-call", "a-filter-that-watches", "one-thing-at-a-time",
              "from-the-wire-to-readfile", "the-smallest-driver", "the-pipe-grown-up"):
    chapter_test(_name)
