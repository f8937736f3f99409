"""!pool, !poolused, !poolleak, !poolfind, !poolval: pool by address, by tag, and whether it is sound."""
import fnmatch

from . import pool, target
from .command import Command, number, show
from .target import Unreadable, read_integer

NO_DESCRIPTION = 0x80000000


def pattern_of(word):
    """A tag as typed: four characters, padded with spaces; * and ? stand for others; a number is the tag's value."""
    if word.lower().startswith("0x"):
        return target.tag_text(number(word))
    return word if "*" in word else word.ljust(4)


class Pool(Command):
    """Shows the pool page that holds an address, block by block; `*` marks the block asked for.

    FLAGS: 1 contents, 2 only the block asked for, 0x80000000 no description of its tag. Without an address, pages and bytes in use."""

    name, usage = "pool", "!pool [ADDRESS [FLAGS]]"

    def run(self, arguments):
        if len(arguments) > 2:
            self.wrong()
        if not arguments:
            self.totals()
            return
        address, flags = number(arguments[0]), number(arguments[1]) if len(arguments) > 1 else 0
        name = pool.range_of(address)
        if name is None:
            raise Unreadable(f"{address:016x} is not an address of pool")
        print(f"Pool page {address:016x} region is {'Paged' if name == pool.PAGED else 'Nonpaged'} pool")
        run = pool.run_at(address)
        if run is None:
            raise Unreadable(f"the page at {address & ~0xFFF:016x} is not allocated")
        if run[2]:
            self.show_block(pool.Block(run[0], run[1] * pool.PAGE, 0, "Allocated", target.tag_text(run[2]), big=True), True, flags)
            return
        for block in pool.blocks_of_page(address & ~0xFFF):
            mine = block.address <= address < block.address + block.size
            if mine or not flags & 2:
                self.show_block(block, mine, flags)

    @staticmethod
    def show_block(block, mine, flags):
        print(block.line(mine))
        if mine and block.state == "Allocated" and not flags & NO_DESCRIPTION:
            print(f"        Pooltag {block.tag} : {pool.describe(block.tag) or 'not known'}")
        if flags & 1:
            for offset in range(0, min(block.size, 0x100 if block.big else block.size), 16):
                first, second = target.unpack("<2Q", block.address + offset)
                print(f"    {block.address + offset:016x}  {first:016x} {second:016x}")

    @staticmethod
    def totals():
        for name, title in ((pool.NONPAGED, "NonPaged"), (pool.PAGED, "Paged")):
            start, end = pool.whole(name)
            print(f"{title} pool {start:016x} : {end:016x}, {int(target.variable(name)['UsedPages'])} pages in use")


Pool()


class PoolUsed(Command):
    """Shows pool in use by tag, at once: the counters are always kept.

    FLAGS: 1 verbose (allocations and frees), 2 sorts by nonpaged bytes, 4 by paged bytes. TAG may contain * and ?."""

    name, usage = "poolused", "!poolused [FLAGS [TAG]]"

    def run(self, arguments):
        if len(arguments) > 2:
            self.wrong()
        flags = number(arguments[0]) if arguments else 0
        pattern = pattern_of(arguments[1]) if len(arguments) > 1 else "*"
        rows = [(tag, *numbers) for tag, numbers in pool.trackers().items() if fnmatch.fnmatchcase(tag, pattern)]
        rows.sort(key=(lambda row: (-row[3], row[0])) if flags & 2 else (lambda row: (-row[6], row[0])) if flags & 4 else None)
        print(f"   Sorting by  {'NonPaged Pool Consumed' if flags & 2 else 'Paged Pool Consumed' if flags & 4 else 'Tag'}\n")
        if flags & 1:
            self.verbose(rows)
            return
        print("  Pool Used:\n            NonPaged            Paged\n Tag    Allocs     Used    Allocs     Used")
        for tag, n_allocs, n_frees, n_bytes, p_allocs, p_frees, p_bytes in rows:
            if n_bytes or p_bytes:
                print(f" {tag} {n_allocs - n_frees:9} {n_bytes:8} {p_allocs - p_frees:9} {p_bytes:8}    {pool.describe(tag)}".rstrip())
        totals = [sum(row[column] for row in rows) for column in range(1, 7)]
        print(f" TOTAL{totals[0] - totals[1]:8} {totals[2]:8} {totals[3] - totals[4]:9} {totals[5]:8}")

    @staticmethod
    def verbose(rows):
        print("  Pool Used:\n            NonPaged                                Paged\n"
              " Tag    Allocs    Frees     Diff     Used   Allocs    Frees     Diff     Used")
        for tag, *numbers in rows + [("TOTAL", *(sum(row[column] for row in rows) for column in range(1, 7)))]:
            first, second = numbers[:3], numbers[3:]
            print(f" {tag:<4}{first[0]:{9 if len(tag) == 4 else 8}} {first[1]:8} {first[0] - first[1]:8} {first[2]:8} "
                  f"{second[0]:8} {second[1]:8} {second[0] - second[1]:8} {second[2]:8}    {pool.describe(tag)}".rstrip())


PoolUsed()


class PoolLeak(Command):
    """Says tag by tag whether pool has leaked since `!poolleak mark`.

    Mark when the system is at rest, do and undo something (open and close, load and unload), let it come to rest, type !poolleak. A tag
    that has more blocks than before is a leak of its owner's; !poolfind TAG lists the blocks."""

    name, usage = "poolleak", "!poolleak [mark]"
    marked = None

    def run(self, arguments):
        if arguments not in ([], ["mark"]):
            self.wrong()
        now = pool.trackers()
        if arguments:
            PoolLeak.marked = now
            print(f"Marked: {len(now)} tags.")
            return
        if PoolLeak.marked is None:
            raise Unreadable("type `!poolleak mark` first, at a moment to compare with")
        none, grown = (0,) * 6, 0
        for tag, numbers in sorted(now.items()):
            before = PoolLeak.marked.get(tag, none)
            new = [later - earlier for later, earlier in zip(numbers, before)]
            blocks, size = new[0] - new[1] + new[3] - new[4], new[2] + new[5]
            if blocks > 0:
                grown += 1
                show(f"{tag}: {blocks:+d} blocks, {size:+d} bytes ({new[0] + new[3]} allocated, {new[1] + new[4]} freed): LEAK  "
                     f"{pool.describe(tag)}", f"!poolfind {tag.strip()}")
        print(f"{grown} of {len(now)} tags have more blocks than when they were marked." if grown
              else f"No leak: none of {len(now)} tags has more blocks than when it was marked.")


PoolLeak()


class PoolFind(Command):
    """Lists the blocks with a tag. TAG: four characters (* and ? allowed), or its value 0x20707249. POOLTYPE: 0 nonpaged (if not given),
    1 paged, 2 special, 4 session pool (Etude has neither of the last two)."""

    name, usage = "poolfind", "!poolfind TAG [POOLTYPE]"

    def run(self, arguments):
        if not 1 <= len(arguments) <= 2:
            self.wrong()
        kind, pattern = number(arguments[1]) if len(arguments) > 1 else 0, pattern_of(arguments[0].strip('"'))
        if kind not in (0, 1):
            raise Unreadable("there is neither special nor session pool")
        title, (start, end) = "Paged" if kind else "NonPaged", pool.bounds(pool.PAGED if kind else pool.NONPAGED)
        found = list(pool.blocks_with_tag(kind == 1, lambda tag: fnmatch.fnmatchcase(tag, pattern)))
        print(f"\nScanning large pool allocation table for Tag: {pattern}\n")
        for block in found:
            if block.big:
                show(block.line(), f"!pool {block.address:x}")
        print(f"\nSearching {title} pool ({start:016x} : {end:016x}) for Tag: {pattern}\n")
        for block in found:
            if not block.big:
                show(block.line(), f"!pool {block.body:x} 2")
        print(f"\n{len(found)} blocks, {sum(block.size for block in found)} bytes")


PoolFind()


class PoolVal(Command):
    """Checks the headers of the pool page that holds an address. LEVEL: 0 headers against each other, 1 also the free blocks' links,
    2 also a line for each block, 3 also the headers themselves; 0 if not given."""

    name, usage = "poolval", "!poolval ADDRESS [LEVEL]"

    def run(self, arguments):
        if not 1 <= len(arguments) <= 2:
            self.wrong()
        address, level = number(arguments[0]), number(arguments[1]) if len(arguments) > 1 else 0
        name, page = pool.range_of(address), address & ~0xFFF
        if name is None:
            raise Unreadable(f"{address:016x} is not an address of pool")
        print(f"Pool page {address:016x} region is {'Paged' if name == pool.PAGED else 'Nonpaged'} pool\n")
        print(f"Validating Pool headers for pool page: {page:016x}\n")
        run, blocks, wrong = pool.run_at(address), [], ""
        if run is None:
            raise Unreadable(f"the page at {page:016x} is not allocated")
        try:
            blocks = [] if run[2] else self.collect(page)
        except pool.Damage as damage:
            wrong = str(damage)
        print(f"Pool page [ {page:016x} ] is {'INVALID' if wrong else 'VALID'}.{' It is part of a large allocation.' if run[2] else ''}")
        if wrong:
            print(f"    {wrong}")
        if level >= 1:
            self.links(page, blocks)
        for block in blocks if level >= 2 else ():
            print(block.line())
            if level >= 3:
                print("    " + " ".join(f"{word:016x}" for word in target.unpack("<2Q", block.address)))

    @staticmethod
    def collect(page):
        return list(pool.blocks_of_page(page))

    @staticmethod
    def links(page, blocks):
        bad = []
        for block in blocks:
            if block.state == "Free":
                forward, backward = target.unpack("<2Q", block.body)
                if read_integer(forward + 8) != block.body or read_integer(backward) != block.body:
                    bad.append(block.address)
        print(f"\nAnalyzing linked list... [ {page:016x} ]: {'broken at ' + ', '.join(f'{a:016x}' for a in bad) if bad else 'None found'}")


PoolVal()
