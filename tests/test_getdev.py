"""getdev.sys: what a driver that takes another's device does to counts, and to unloading the other."""
import re

from etude import test

NULL = r"\Device\Null"


class Talk:
    """A guest with getdev.sys, and what is expected of each line typed there."""

    def __init__(self, context, service="getdev"):
        self.context, self.guest = context, context.boot()
        self.guest.prompt()
        self.says(f"sc start {service}", rf"{service} +running")

    def says(self, line, *patterns):
        text = self.guest.command(line)
        for pattern in patterns:
            self.context.check(re.search(pattern, text), f"`{line}` does not say {pattern!r}: {text!r}")

    def loaded(self, name):
        return re.search(rf"^{name}\b", self.guest.command("objdir \\Driver"), re.M) is not None

    def stays(self, name):
        self.says(f"sc query {name}", "stop pending")
        self.context.check(self.loaded(name), f"\\Driver\\{name} is gone too early")

    def goes(self, name):
        self.guest.expect_debug(rf"\\Driver\\{name} is unloaded")
        self.says(f"sc query {name}", r"stopped")
        self.context.check(not self.loaded(name), f"\\Driver\\{name} is still there")


@test("A device that was taken and kept holds its driver: the unload is pending until it is let go, and done then")
def keep(context):
    talk = Talk(context)
    talk.says(f"getdev take {NULL}", r"taken and kept: file object ffff\w{12}, device ffff\w{12}, stack size 1, type 00000015")
    talk.says(f"getdev take {NULL}", "taken and kept")
    talk.says("getdev list", r"(\\Device\\Null: kept.*\n){2}")
    talk.says("sc stop null", "stop pending")
    talk.stays("null")
    talk.says(f"getdev peek {NULL}", r"STATUS_NO_SUCH_DEVICE")
    talk.says("getdev drop", "let go")
    talk.stays("null")
    talk.says("getdev drop", "let go")
    talk.goes("null")
    talk.says("getdev drop", "STATUS_NOT_FOUND")


@test("A device that was taken and let go at once leaves nothing behind: its driver unloads at once")
def peek(context):
    talk = Talk(context)
    for _ in range(3):
        talk.says(f"getdev peek {NULL}", "taken and let go")
    talk.says("getdev list", "nothing is kept")
    talk.says("sc stop null", r"null +stopped")
    talk.goes("null")
    talk.says(f"getdev peek {NULL}", r"STATUS_OBJECT_NAME_NOT_FOUND")


@test("A file object that its taker forgot holds the target's driver for ever, though the taker is gone")
def forget(context):
    talk = Talk(context)
    talk.says(f"getdev take {NULL}", "taken and kept")
    talk.says("getdev forget", "never to be let go")
    talk.says("getdev list", "nothing is kept")
    talk.says("sc stop getdev", r"getdev +stopped")
    talk.goes("getdev")
    talk.says("sc stop null", "stop pending")
    talk.stays("null")


@test("What getdev.sys still keeps when it is unloaded it lets go, and the target's pending unload is done")
def unload(context):
    talk = Talk(context)
    talk.says(f"getdev take {NULL}", "taken and kept")
    talk.says("sc stop null", "stop pending")
    talk.stays("null")
    talk.says("sc stop getdev", r"getdev +stopped")
    talk.goes("getdev")
    talk.goes("null")


@test("getdev says what is wrong with a name, a verb or too many devices, and keeps nothing of it")
def wrong(context):
    talk = Talk(context)
    talk.says("getdev take \\Device\\NoSuch", "STATUS_OBJECT_NAME_NOT_FOUND")
    talk.says("getdev take Null", "STATUS_OBJECT_PATH_SYNTAX_BAD|STATUS_OBJECT_NAME_INVALID|STATUS_OBJECT_PATH_INVALID")
    talk.says("getdev take \\Driver", "STATUS_OBJECT_TYPE_MISMATCH")
    talk.says("getdev take \\" + 200 * "x", "STATUS_INVALID_PARAMETER")
    talk.says("getdev", "usage:")
    for _ in range(8):
        talk.says(f"getdev take {NULL}", "taken and kept")
    talk.says(f"getdev take {NULL}", "STATUS_INSUFFICIENT_RESOURCES")
    for _ in range(8):
        talk.says("getdev drop", "let go")
    talk.says("sc stop null", r"null +stopped")
    talk.goes("null")


@test("A device taken when the driver is loaded, as its service's key says, is kept like any other, and let go by the unload")
def at_load(context):
    talk = Talk(context, "getdev-null")
    talk.says("getdev list", r"^\\Device\\Null: kept: file object ffff\w{12}")
    talk.says("sc stop null", "stop pending")
    talk.stays("null")
    talk.says("sc stop getdev-null", r"getdev-null +stopped")
    talk.goes("null")


@test("A target in the service's key that is no string is passed over, and does no harm")
def bad_target(context):
    talk = Talk(context)
    talk.says("sc stop getdev", r"getdev +stopped")
    talk.goes("getdev")
    key = r"HKLM\SYSTEM\CurrentControlSet\Services\getdev-null\Parameters"
    for kind, data in ("REG_DWORD", "1234"), ("REG_BINARY", 24 * "41"), ("REG_QWORD", "81985529216486895"):
        talk.says(f"reg add {key} /v Target /t {kind} /d {data}")
        talk.says(f"reg query {key}", kind)
        talk.says("sc start getdev-null", r"getdev-null +running")
        talk.says("getdev list", "nothing is kept")
        talk.says("sc stop getdev-null", r"getdev-null +stopped")
    context.check("cannot take" not in talk.guest.debug_text(), "the value was taken for a name")
