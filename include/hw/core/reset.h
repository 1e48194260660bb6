/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The order of a system reset. Every vCPU is stopped with nothing pending
 * before the first phase; each phase is finished by everyone before the next
 * begins. The first reset, before the machine ever ran, is like any other.
 * docs/architecture.md says why each thing stands where it does.
 */
typedef enum ResetPhase {
    RESET_DISARM,     /* event sources stop (edge triggers are disarmed) */
    RESET_DEVICE,     /* devices: own state; assigned ones by the host */
    RESET_CONTROLLER, /* the interrupt controller, by register writes */
    RESET_LINES,      /* each line low, then its trigger type */
    RESET_MEMORY,     /* loaded images are copied into RAM again */
    RESET_CPU,        /* vCPU registers */
    RESET_ARM,        /* event sources go on; what is masked is unmasked */
    RESET_PHASES,
} ResetPhase;

/** ResetHandler: embedded in its owner. */
typedef struct ResetHandler {
    ResetPhase phase;
    void (*reset)(struct ResetHandler *handler);
    struct ResetHandler *next;
} ResetHandler;

/**
 * Called in the order of registration within a phase. @handler is zeroed, or
 * was unregistered. Machine lock; registering and unregistering is not for
 * handlers.
 */
void reset_register(ResetHandler *handler, ResetPhase phase,
                    void (*reset)(ResetHandler *handler));
/** A handler that is not registered (zeroed) is fine. */
void reset_unregister(ResetHandler *handler);

/** Runs all phases; for system/, with all vCPUs stopped. */
void reset_all(void);
