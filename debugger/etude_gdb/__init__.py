"""The parts of Etude's gdb extension; debugger/etude.py loads them and says what they do."""
