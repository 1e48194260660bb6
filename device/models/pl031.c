/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Arm PrimeCell real time clock PL031 (Arm DDI 0224). Its counter runs freely
 * at 1 Hz; a write to RTCLR changes what is added to it for RTCDR. When RTCDR
 * becomes equal to RTCMR, by a tick or by a write, RTCRIS is set.
 *
 * Its crystal is the host's clock since boot, which no one sets: only at its
 * start does it take the host's time of day, down to the phase of the second.
 * Counter and start bit live on a battery, so that a reset clears the other
 * registers only; with --no-battery it is a power-on reset, which leaves the
 * RTC at 0 and stopped until RTCCR starts it.
 */

#include <stdlib.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>
#include <poll.h>
#include "model.h"

#define PL031_SIZE 0x1000
#define NS_PER_S 1000000000LL
#define LINE 0

enum {
    RTCDR = 0x00,
    RTCMR = 0x04,
    RTCLR = 0x08,
    RTCCR = 0x0c,
    RTCIMSC = 0x10,
    RTCRIS = 0x14,
    RTCMIS = 0x18,
    RTCICR = 0x1c,
    RTCPERIPHID0 = 0xfe0,
};

typedef struct PL031 {
    PlatypusDevice *dev;
    int timer_fd;
    bool battery;
    int64_t phase_ns; /* the crystal's time minus that of CLOCK_BOOTTIME */
    uint32_t offset;  /* RTCDR minus the crystal's seconds; stopped: RTCDR */
    bool running;     /* RTCCR */
    uint32_t match;
    uint32_t load;
    uint32_t imsc;
    uint32_t ris;
} PL031;

/* RTCPeriphID0-3, RTCPCellID0-3 */
static const uint8_t pl031_id[] = {0x31, 0x10, 0x04, 0x00,
                                   0x0d, 0xf0, 0x05, 0xb1};

static int64_t clock_ns(clockid_t clock)
{
    struct timespec ts;

    clock_gettime(clock, &ts);
    return ts.tv_sec * NS_PER_S + ts.tv_nsec;
}

static int64_t crystal_seconds(const PL031 *s)
{
    return (clock_ns(CLOCK_BOOTTIME) + s->phase_ns) / NS_PER_S;
}

static uint32_t counter(const PL031 *s, int64_t now)
{
    return s->running ? now + s->offset : s->offset;
}

static void update_line(PL031 *s)
{
    if (s->ris & s->imsc) {
        platypus_device_raise(s->dev, LINE);
    } else {
        platypus_device_lower(s->dev, LINE);
    }
}

/* Wakes up at the tick that brings the match, which may be after a wrap. */
static void schedule(PL031 *s, int64_t now)
{
    struct itimerspec when = {0}; /* never */
    uint32_t left = s->match - counter(s, now);
    int64_t at_ns = (now + (left ? left : 1LL << 32)) * NS_PER_S - s->phase_ns;

    if (s->running) {
        when.it_value.tv_sec = at_ns / NS_PER_S;
        when.it_value.tv_nsec = at_ns % NS_PER_S;
    }
    timerfd_settime(s->timer_fd, TFD_TIMER_ABSTIME, &when, NULL);
}

static void matched(PL031 *s)
{
    s->ris = 1;
    update_line(s);
}

/* After a write that may have made the counter and RTCMR equal. */
static void compare(PL031 *s, int64_t now)
{
    if (counter(s, now) == s->match) {
        matched(s);
    }
    schedule(s, now);
}

static void tick(void *model, int fd, short events)
{
    PL031 *s = model;
    uint64_t expired;

    /* Nothing to read: it was set anew since. */
    if (read(fd, &expired, sizeof(expired)) == sizeof(expired)) {
        matched(s);
        schedule(s, crystal_seconds(s));
    }
}

static bool pl031_read(void *model, uint64_t offset, unsigned size,
                       uint64_t *value)
{
    const PL031 *s = model;

    if (size != 4) {
        return false;
    }
    switch (offset) {
    case RTCDR:
        *value = counter(s, crystal_seconds(s));
        break;
    case RTCMR:
        *value = s->match;
        break;
    case RTCLR:
        *value = s->load;
        break;
    case RTCCR:
        *value = s->running;
        break;
    case RTCIMSC:
        *value = s->imsc;
        break;
    case RTCRIS:
        *value = s->ris;
        break;
    case RTCMIS:
        *value = s->ris & s->imsc;
        break;
    default:
        *value = 0; /* reserved, or write-only */
        if (offset >= RTCPERIPHID0) {
            *value = pl031_id[(offset - RTCPERIPHID0) / 4];
        }
        break;
    }
    return true;
}

static void load_counter(PL031 *s, uint32_t value)
{
    int64_t now = crystal_seconds(s);

    s->load = value;
    s->offset = s->running ? value - now : value;
    compare(s, now);
}

/* Once it runs, only a power-on reset stops it. */
static void start(PL031 *s)
{
    int64_t now = crystal_seconds(s);

    if (!s->running) {
        s->offset -= now;
        s->running = true;
        schedule(s, now);
    }
}

static bool pl031_write(void *model, uint64_t offset, unsigned size,
                        uint64_t value)
{
    PL031 *s = model;

    if (size != 4) {
        return false;
    }
    switch (offset) {
    case RTCMR:
        s->match = value;
        compare(s, crystal_seconds(s));
        break;
    case RTCLR:
        load_counter(s, value);
        break;
    case RTCCR:
        if (value & 1) {
            start(s);
        }
        break;
    case RTCIMSC:
        s->imsc = value & 1;
        update_line(s);
        break;
    case RTCICR:
        s->ris &= ~value;
        update_line(s);
        break;
    default:
        break; /* reserved, or read-only */
    }
    return true;
}

static void pl031_reset(void *model)
{
    PL031 *s = model;

    if (!s->battery) {
        s->offset = 0;
        s->running = false;
    }
    s->match = 0;
    s->load = 0;
    s->imsc = 0;
    s->ris = 0;
    update_line(s);
    schedule(s, crystal_seconds(s));
}

static const PlatypusRegion pl031_region = {
    .size = PL031_SIZE,
    .read = pl031_read,
    .write = pl031_write,
};

static const PlatypusLine pl031_line;

static const PlatypusDeviceDesc pl031_desc = {
    .name = "pl031",
    .regions = &pl031_region,
    .num_regions = 1,
    .lines = &pl031_line,
    .num_lines = 1,
    .reset = pl031_reset,
};

static void power_on(PL031 *s)
{
    s->phase_ns = clock_ns(CLOCK_REALTIME) - clock_ns(CLOCK_BOOTTIME);
    s->running = true;
    pl031_reset(s);
}

static void pl031_close(void *model)
{
    PL031 *s = model;

    platypus_device_free(s->dev);
    if (s->timer_fd >= 0) {
        close(s->timer_fd);
    }
    free(s);
}

enum { NO_BATTERY };

static void *pl031_open(const char *const *values, PlatypusDevice **dev)
{
    PL031 *s = calloc(1, sizeof(*s));

    if (!s) {
        model_error("pl031: no memory");
        return NULL;
    }
    s->battery = !values[NO_BATTERY];
    s->timer_fd = timerfd_create(CLOCK_BOOTTIME, TFD_NONBLOCK | TFD_CLOEXEC);
    s->dev = model_new_device(&pl031_desc, s);
    if (!s->dev || s->timer_fd < 0 ||
        platypus_device_watch(s->dev, s->timer_fd, POLLIN, tick) < 0) {
        if (s->dev) {
            model_error("pl031: no timer");
        }
        pl031_close(s);
        return NULL;
    }
    power_on(s);
    *dev = s->dev;
    return s;
}

static const ModelOption pl031_options[] = {
    [NO_BATTERY] = {"no-battery", NULL,
                    "a reset stops the clock at 0 until RTCCR starts it"},
    {0},
};

const ModelClass pl031_model = {
    .name = "pl031",
    .summary = "Arm PrimeCell real time clock, one level line",
    .options = pl031_options,
    .open = pl031_open,
    .close = pl031_close,
};
