SOURCES_console := drivers/common/irpqueue.c
