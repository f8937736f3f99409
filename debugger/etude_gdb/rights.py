"""The names of access rights, as WinDbg's !handle prints them: the standard ones, then those of the object's type."""

STANDARD = {0x10000: "Delete", 0x20000: "ReadControl", 0x40000: "WriteDac", 0x80000: "WriteOwner", 0x100000: "Synch",
            0x1000000: "AccessSystemSecurity"}
QUERY_MODIFY = ("QueryState", "ModifyState")
SPECIFIC = {                        # by type, from bit 0 on
    "Directory": ("Query", "Traverse", "CreateObject", "CreateSubDirectory"),
    "SymbolicLink": ("Query",),
    "Event": QUERY_MODIFY, "Semaphore": QUERY_MODIFY, "Timer": QUERY_MODIFY, "IoCompletion": QUERY_MODIFY,
    "Mutant": ("QueryState",),
    "Section": ("Query", "MapWrite", "MapRead", "MapExecute", "Extend"),
    "File": ("Read/List", "Write/Add", "Append/SubDir/CreatePipe", "ReadEA", "WriteEA", "Execute/Traverse", "DeleteChild",
             "ReadAttr", "WriteAttr"),
    "Key": ("QueryValue", "SetValue", "CreateSubKey", "EnumSubKey", "Notify", "CreateLink"),
    "Process": ("Terminate", "CreateThread", "", "VMOp", "VMRead", "VMWrite", "DupHandle", "CreateProcess", "SetQuota", "SetInfo",
                "QueryInfo", "SuspendResume"),
    "Thread": ("Terminate", "SuspendResume", "Alert", "GetContext", "SetContext", "SetInfo", "QueryInfo", "SetThreadToken",
               "Impersonate", "DirectImpersonate"),
    "Token": ("AssignPrimary", "Duplicate", "Impersonate", "Query", "QuerySource", "AdjustPrivileges", "AdjustGroups",
              "AdjustDefault", "AdjustSessionId"),
}


def names(mask, kind):
    """The rights of a mask, by name; what has none, as a number."""
    found = [name for bit, name in STANDARD.items() if mask & bit]
    rest = mask & ~sum(bit for bit in STANDARD if mask & bit)
    for bit, name in enumerate(SPECIFIC.get(kind, ())):
        if name and rest & 1 << bit:
            found.append(name)
            rest &= ~(1 << bit)
    return ",".join(found + ([f"{rest:#x}"] if rest else [])) or "None"
