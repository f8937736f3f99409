SOURCES_serial := drivers/common/irpqueue.c
