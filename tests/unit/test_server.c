/* SPDX-License-Identifier: MIT
 * server/server through akin/serve.h: starting, stopping, and a client that
 * takes its time. What it answers is tested in tests/http. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "akin/serve.h"
#include "base/clock.h"
#include "test.h"

static akin_server *start(akin_serve_options opt)
{
    akin_server *s = NULL;
    akin_error e = {0};
    opt.root = test_dir();
    opt.port = -1;
    CHECK_OK(akin_server_start(&opt, &s, &e), e);
    return s;
}

static int connect_to(const akin_server *s)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    address.sin_port = htons((uint16_t)akin_server_port(s));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CHECK(connect(fd, (struct sockaddr *)&address, sizeof address) == 0);
    return fd;
}

static void starts_and_stops(void)
{
    char url[64];
    akin_server *first = start((akin_serve_options){0});
    akin_server *second = start((akin_serve_options){0});
    CHECK(akin_server_port(first) != akin_server_port(second));
    snprintf(url, sizeof url, "http://127.0.0.1:%d/", akin_server_port(first));
    CHECK_EQ_TEXT(akin_server_url(first), url);
    akin_server_stop(first);
    akin_server_stop(second);
    akin_server_stop(NULL);
}

static void refuses_to_start(void)
{
    akin_server *s = NULL;
    akin_error e = {0};
    akin_server *first = start((akin_serve_options){0});
    akin_serve_options opt = {.root = test_dir(),
                              .port = akin_server_port(first)};
    CHECK_STATUS(akin_server_start(&opt, &s, &e), AKIN_EEXISTS);
    opt = (akin_serve_options){.root = "/nowhere", .port = -1};
    CHECK_STATUS(akin_server_start(&opt, &s, &e), AKIN_ENOTFOUND);
    opt = (akin_serve_options){.root = test_dir(), .host = "0.0.0.0",
                               .port = -1};
    CHECK_STATUS(akin_server_start(&opt, &s, &e), AKIN_EUSAGE);
    opt.token = "secret";
    opt.host = "no such host";
    CHECK_STATUS(akin_server_start(&opt, &s, &e), AKIN_EUSAGE);
    opt = (akin_serve_options){.root = test_dir(), .port = 65536};
    CHECK_STATUS(akin_server_start(&opt, &s, &e), AKIN_EUSAGE);
    akin_server_stop(first);
}

/* A byte now and then would keep an idle connection open for ever. */
static void a_request_comes_in_time(void)
{
    akin_server *s = start((akin_serve_options){.limits = {.request_s = 0.5}});
    static const char slow[] = "GET /api/health HTTP/1.1\r\nHost: localhost";
    int fd = connect_to(s);
    double began = clock_now_s();
    size_t sent = 0;
    char byte;
    bool closed = false;
    while (!closed && clock_now_s() - began < 10) {
        closed = send(fd, slow + sent % 40, 1, MSG_NOSIGNAL) < 0 ||
                 recv(fd, &byte, 1, MSG_DONTWAIT) == 0;
        sent++;
        clock_sleep_s(0.05);
    }
    CHECK(closed);
    CHECK(clock_now_s() - began > 0.4);
    close(fd);
    akin_server_stop(s);
}

const test_case test_server_cases[] = {
    {"server/starts_and_stops", starts_and_stops},
    {"server/refuses_to_start", refuses_to_start},
    {"server/a_request_comes_in_time", a_request_comes_in_time},
    {NULL, NULL},
};
