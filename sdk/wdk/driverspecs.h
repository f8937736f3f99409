/*
 * The annotations of the WDK's driverspecs.h and kernelspecs.h that mingw-w64's header does not
 * have. They tell a static analyser what a function does; to the compiler they are nothing.
 */
#pragma once

#include_next <driverspecs.h>

#define _Dispatch_type_(Major)
#define _IRQL_always_function_max_(Irql)
#define _IRQL_always_function_min_(Irql)
#define _IRQL_is_cancel_
#define _IRQL_restores_global_(Kind, Parameter)
#define _IRQL_saves_global_(Kind, Parameter)
#define _IRQL_uses_cancel_
#define _Kernel_acquires_resource_(Kind)
#define _Kernel_clear_do_init_(YesNo)
#define _Kernel_entry_
#define _Kernel_entry_always_
#define _Kernel_float_restored_
#define _Kernel_float_saved_
#define _Kernel_float_used_
#define _Kernel_IoGetDmaAdapter_
#define _Kernel_releases_resource_(Kind)
#define _Kernel_requires_resource_held_(Kind)
#define _Kernel_requires_resource_not_held_(Kind)

#define __drv_acquiresCancelSpinLock
#define __drv_acquiresCriticalRegion
#define __drv_acquiresExclusiveResource(Kind)
#define __drv_acquiresExclusiveResourceGlobal(Kind, Parameter)
#define __drv_acquiresPriorityRegion
#define __drv_acquiresResource(Kind)
#define __drv_acquiresResourceGlobal(Kind, Parameter)
#define __drv_arrayOf(Kind)
#define __drv_callbackType(Type)
#define __drv_clearDoInit(YesNo)
#define __drv_completionType(Type)
#define __drv_constant
#define __drv_defined(Name)
#define __drv_declspec(Kind)
#define __drv_floatRestored
#define __drv_floatSaved
#define __drv_floatUsed
#define __drv_fun(Annotations)
#define __drv_functionClass(Class)
#define __drv_has_type_class
#define __drv_holdsCancelSpinLock()
#define __drv_holdsCriticalRegion()
#define __drv_holdsPriorityRegion()
#define __drv_innerAcquiresGlobal(Kind, Parameter)
#define __drv_interlocked
#define __drv_inTry
#define __drv_IoGetDmaAdapter
#define __drv_isCancelIRQL
#define __drv_isObjectPointer
#define __drv_maxFunctionIRQL(Irql)
#define __drv_minFunctionIRQL(Irql)
#define __drv_minIRQL(Irql)
#define __drv_mustHold(Kind)
#define __drv_mustHoldCancelSpinLock
#define __drv_mustHoldCriticalRegion
#define __drv_mustHoldGlobal(Kind, Parameter)
#define __drv_mustHoldPriorityRegion
#define __drv_neverHold(Kind)
#define __drv_neverHoldCancelSpinLock
#define __drv_neverHoldCriticalRegion
#define __drv_neverHoldGlobal(Kind, Parameter)
#define __drv_neverHoldPriorityRegion
#define __drv_nonconstant
#define __drv_notInTry
#define __drv_notPointer
#define __drv_preferredFunction(Function, Why)
#define __drv_releasesCancelSpinLock
#define __drv_releasesCriticalRegion
#define __drv_releasesExclusiveResource(Kind)
#define __drv_releasesExclusiveResourceGlobal(Kind, Parameter)
#define __drv_releasesPriorityRegion
#define __drv_releasesResource(Kind)
#define __drv_releasesResourceGlobal(Kind, Parameter)
#define __drv_reportError(Why)
#define __drv_ret(Annotations)
#define __drv_sameIRQL
#define __drv_strictType(Type, Mode)
#define __drv_strictTypeMatch(Mode)
#define __drv_unit_internal_kernel_driver
#define __drv_unit_kernel_code
#define __drv_unit_kernel_driver
#define __drv_unit_user_code
#define __drv_unit_user_driver
#define __drv_useCancelIrql
#define __drv_when_true(Condition)
