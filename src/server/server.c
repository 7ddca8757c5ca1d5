/* SPDX-License-Identifier: MIT
 * The sockets of the server, through libmicrohttpd.
 *
 * Each connection has a thread, which reads a request whole, answers it and
 * sends the answer: handlers may take their time (a model, a disk) and need no
 * state between calls. An event loop would carry more connections, but those
 * who work with one server are few, and their number is bounded. What a client
 * can hold on to is bounded too: idle connections are closed, bodies share one
 * purse, and a thread that looks around once a second ends the connections whose
 * request is not complete in time, however steadily its bytes drip. When all
 * connections are taken, the one that has been waited for longest makes room. */
#define _GNU_SOURCE
#include "akin/serve.h"

#include <errno.h>
#include <microhttpd.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/memory.h"
#include "server/api.h"

#define DEFAULT_PORT 7700
#define HEADER_BYTES (64 * 1024) /* of a request; beyond it 431 */
#define STREAM_BYTES (1024 * 1024)
#define BACKLOG 128
#define WATCH_S 1
#define SPARE_CONNECTIONS 32 /* for those that are just being ended */

/* A connection; in the list of its server. */
typedef struct peer {
    struct peer *next, **link;
    int fd;
    double deadline_s; /* for the request that is coming; 0: none */
    bool ended;
} peer;

struct akin_server {
    api api;
    struct MHD_Daemon *daemon;
    int fd, port;
    char url[128];
    atomic_size_t body_bytes; /* of all requests */
    pthread_mutex_t lock;     /* over what follows */
    pthread_cond_t changed;
    peer *peers;
    size_t n_peers; /* that were not ended */
    bool stopping;
    pthread_t watcher;
    bool watching;
};

/* A request while it comes, and its answer. */
typedef struct exchange {
    akin_server *server;
    http_request req;
    http_response res;
    char *target;  /* as sent */
    text_buf body;
    size_t taken;  /* of the purse for bodies */
    size_t dropped; /* bytes of a body that was refused */
    int refusal;    /* 413 or 503, once it was */
    double began_s;
    int status;     /* that was sent */
    bool begun;
} exchange;

/* ---- connections -------------------------------------------------------- */

/* With the lock held. A peer is on the list as long as its socket is open, so
 * that no other connection's can be meant. */
static void end_peer(akin_server *s, peer *p)
{
    if (p->ended) return;
    shutdown(p->fd, SHUT_RDWR);
    p->ended = true;
    s->n_peers--;
}

/* With the lock held: the one whose request has been coming for longest; none
 * that is being answered. */
static void make_room(akin_server *s)
{
    peer *slowest = NULL;
    for (peer *p = s->peers; p; p = p->next)
        if (!p->ended && p->deadline_s > 0 &&
            (!slowest || p->deadline_s < slowest->deadline_s))
            slowest = p;
    if (slowest) end_peer(s, slowest);
}

static void add_peer(akin_server *s, peer *p)
{
    pthread_mutex_lock(&s->lock);
    if (s->n_peers >= s->api.options.limits.connections) make_room(s);
    s->n_peers++;
    p->next = s->peers;
    p->link = &s->peers;
    if (p->next) p->next->link = &p->next;
    s->peers = p;
    pthread_mutex_unlock(&s->lock);
}

static void remove_peer(akin_server *s, peer *p)
{
    pthread_mutex_lock(&s->lock);
    *p->link = p->next;
    if (p->next) p->next->link = p->link;
    if (!p->ended) s->n_peers--;
    pthread_mutex_unlock(&s->lock);
    mem_free(p);
}

static void set_deadline(akin_server *s, peer *p, double deadline_s)
{
    if (!p) return;
    pthread_mutex_lock(&s->lock);
    p->deadline_s = deadline_s;
    pthread_mutex_unlock(&s->lock);
}

static peer *peer_of(struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(
        connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    return info ? info->socket_context : NULL;
}

static void on_connection(void *user, struct MHD_Connection *connection,
                          void **context, enum MHD_ConnectionNotificationCode code)
{
    akin_server *s = user;
    const union MHD_ConnectionInfo *info;
    if (code == MHD_CONNECTION_NOTIFY_CLOSED) {
        if (*context) remove_peer(s, *context);
        *context = NULL;
        return;
    }
    info = MHD_get_connection_info(connection,
                                   MHD_CONNECTION_INFO_CONNECTION_FD);
    peer *p = info ? mem_array(1, sizeof *p) : NULL;
    if (!p) return;
    p->fd = info->connect_fd;
    p->deadline_s = clock_now_s() + s->api.options.limits.request_s;
    add_peer(s, p);
    *context = p;
}

static void *watch_peers(void *user)
{
    akin_server *s = user;
    pthread_mutex_lock(&s->lock);
    while (!s->stopping) {
        struct timespec until;
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_sec += WATCH_S;
        pthread_cond_timedwait(&s->changed, &s->lock, &until);
        double now = clock_now_s();
        for (peer *p = s->peers; p; p = p->next)
            if (p->deadline_s > 0 && now > p->deadline_s) end_peer(s, p);
    }
    pthread_mutex_unlock(&s->lock);
    return NULL;
}

/* ---- sending ------------------------------------------------------------ */

typedef struct stream_state {
    http_stream stream;
    text_buf buf;
    size_t sent; /* of buf */
    bool over;
} stream_state;

static ssize_t read_stream(void *user, uint64_t at, char *out, size_t max)
{
    stream_state *st = user;
    (void)at;
    if (st->sent == st->buf.n) {
        text_buf_clear(&st->buf);
        text_buf_init(&st->buf, STREAM_BYTES);
        st->sent = 0;
        if (!st->over) st->over = !st->stream.next(st->stream.user, &st->buf);
        if (st->buf.status != AKIN_OK) return MHD_CONTENT_READER_END_WITH_ERROR;
        if (st->buf.n == 0) return MHD_CONTENT_READER_END_OF_STREAM;
    }
    size_t n = st->buf.n - st->sent < max ? st->buf.n - st->sent : max;
    memcpy(out, st->buf.data + st->sent, n);
    st->sent += n;
    return (ssize_t)n;
}

static void close_stream(void *user)
{
    stream_state *st = user;
    if (st->stream.close) st->stream.close(st->stream.user);
    text_buf_clear(&st->buf);
    mem_free(st);
}

static struct MHD_Response *stream_response(http_response *res)
{
    stream_state *st = mem_array(1, sizeof *st);
    if (!st) return NULL;
    st->stream = res->stream;
    text_buf_init(&st->buf, STREAM_BYTES);
    struct MHD_Response *out = MHD_create_response_from_callback(
        MHD_SIZE_UNKNOWN, 4096, read_stream, st, close_stream);
    if (!out) mem_free(st);
    if (out) res->kind = HTTP_BYTES; /* it has the stream now */
    return out;
}

/* Hands the answer's body over to libmicrohttpd. */
static struct MHD_Response *make_response(http_response *res)
{
    struct MHD_Response *out = NULL;
    switch (res->kind) {
    case HTTP_BYTES:
        out = MHD_create_response_from_buffer_with_free_callback(
            res->n_bytes, res->bytes, mem_free);
        if (out) res->bytes = NULL;
        break;
    case HTTP_FILE:
        out = MHD_create_response_from_fd_at_offset64(res->length, res->fd,
                                                      res->offset);
        if (out) res->kind = HTTP_BYTES;
        break;
    case HTTP_STREAM: out = stream_response(res); break;
    }
    for (size_t i = 0; out && i < res->headers.n; i++)
        MHD_add_response_header(out, res->headers.items[i].name,
                                res->headers.items[i].value);
    return out;
}

static enum MHD_Result send_answer(struct MHD_Connection *connection,
                                   exchange *x)
{
    guard_finish(&x->res);
    x->status = x->res.status ? x->res.status : 500;
    struct MHD_Response *out = make_response(&x->res);
    if (!out) return MHD_NO;
    set_deadline(x->server, peer_of(connection), 0);
    enum MHD_Result ok =
        MHD_queue_response(connection, (unsigned)x->status, out);
    MHD_destroy_response(out);
    return ok;
}

/* ---- receiving ---------------------------------------------------------- */

/* The first sight of a request: what is kept of it is made here. */
static void *on_target(void *user, const char *target,
                       struct MHD_Connection *connection)
{
    exchange *x = mem_array(1, sizeof *x);
    (void)connection;
    if (!x) return NULL;
    x->server = user;
    x->began_s = clock_now_s();
    x->target = mem_strdup(target);
    text_buf_init(&x->body, x->server->api.options.limits.body_bytes);
    return x;
}

static enum MHD_Result on_header(void *user, enum MHD_ValueKind kind,
                                 const char *name, const char *value)
{
    exchange *x = user;
    (void)kind;
    akin_status status =
        http_pairs_add(&x->req.headers, name, value ? value : "", NULL);
    return status == AKIN_OK ? MHD_YES : MHD_NO;
}

/* Whether bytes more fit into the purse for all bodies. */
static bool take_bytes(exchange *x, size_t n)
{
    akin_server *s = x->server;
    size_t before = atomic_fetch_add(&s->body_bytes, n);
    if (before + n <= s->api.options.limits.bodies_bytes) {
        x->taken += n;
        return true;
    }
    atomic_fetch_sub(&s->body_bytes, n);
    return false;
}

static bool announces_too_much(const exchange *x)
{
    const char *length = http_header(&x->req, "Content-Length");
    int64_t n;
    if (!length) return false;
    return !text_to_int64(length, &n) ||
           (uint64_t)n > x->server->api.options.limits.body_bytes;
}

static void refuse_body(exchange *x, int status)
{
    if (status == 413)
        http_problem(&x->res, 413, "a body may have %zu bytes",
                     x->server->api.options.limits.body_bytes);
    else
        http_problem(&x->res, 503, "too much is being sent at a time");
}

/* The headers are there. true: the body may come. */
static bool begin(struct MHD_Connection *connection, exchange *x,
                  const char *method)
{
    akin_error err = {0};
    x->begun = true;
    if (!x->target ||
        http_request_init(&x->req, method, x->target, &err) != AKIN_OK) {
        http_problem(&x->res, 400, "%s", err.text);
        return false;
    }
    if (MHD_get_connection_values(connection, MHD_HEADER_KIND, on_header, x) <
            0 || x->req.headers.n !=
            (size_t)MHD_get_connection_values(connection, MHD_HEADER_KIND, NULL,
                                              NULL)) {
        http_problem(&x->res, 431, "the request has too many headers");
        return false;
    }
    if (!guard_check(&x->server->api.guard, &x->req, &x->res)) return false;
    if (!announces_too_much(x)) return true;
    refuse_body(x, 413);
    return false;
}

/* Whether a body comes that is not too long to be read for nothing: a client
 * sees why it was refused only once it has sent it. */
static bool has_short_body(const exchange *x)
{
    bool body = http_header(&x->req, "Content-Length") ||
                http_header(&x->req, "Transfer-Encoding");
    return body && !announces_too_much(x);
}

/* A part of the body. What is too much is read on for a while, for a client
 * that has not finished sending would not see the answer. */
static enum MHD_Result receive(exchange *x, const char *data, size_t *n)
{
    size_t max = x->server->api.options.limits.body_bytes, m = *n;
    *n = 0;
    if (x->res.status == 0 && !x->refusal && x->body.n + m > max)
        x->refusal = 413;
    else if (x->res.status == 0 && !x->refusal && !take_bytes(x, m))
        x->refusal = 503;
    if (x->res.status == 0 && !x->refusal) {
        text_buf_put(&x->body, data, m);
        return MHD_YES;
    }
    text_buf_clear(&x->body);
    x->dropped += m;
    return x->dropped > max ? MHD_NO : MHD_YES;
}

static void answer(exchange *x)
{
    if (x->res.status != 0) return; /* refused before the body came */
    if (!x->refusal && x->body.status != AKIN_OK) x->refusal = 503;
    if (x->refusal) {
        refuse_body(x, x->refusal);
        return;
    }
    x->req.body = x->body.data;
    x->req.n_body = x->body.n;
    x->body = (text_buf){0};
    api_handle(&x->server->api, &x->req, &x->res);
}

static enum MHD_Result on_request(void *user, struct MHD_Connection *connection,
                                  const char *url, const char *method,
                                  const char *version, const char *data,
                                  size_t *n, void **context)
{
    exchange *x = *context;
    (void)user, (void)url, (void)version;
    if (!x) return MHD_NO;
    if (!x->begun) {
        if (begin(connection, x, method) || has_short_body(x)) return MHD_YES;
        return send_answer(connection, x);
    }
    if (*n > 0) return receive(x, data, n);
    set_deadline(x->server, peer_of(connection), 0);
    answer(x);
    return send_answer(connection, x);
}

static void log_exchange(const exchange *x)
{
    const akin_serve_options *opt = &x->server->api.options;
    char line[512];
    if (!opt->log || !x->req.path) return;
    snprintf(line, sizeof line, "%d %s %s %.1f ms", x->status,
             http_method_name(x->req.method), x->req.path,
             (clock_now_s() - x->began_s) * 1000);
    opt->log(opt->user, line);
}

static void on_completed(void *user, struct MHD_Connection *connection,
                         void **context, enum MHD_RequestTerminationCode code)
{
    akin_server *s = user;
    exchange *x = *context;
    (void)code;
    *context = NULL;
    set_deadline(s, peer_of(connection),
                 clock_now_s() + s->api.options.limits.request_s);
    if (!x) return;
    log_exchange(x);
    atomic_fetch_sub(&s->body_bytes, x->taken);
    http_request_clear(&x->req);
    http_response_clear(&x->res);
    text_buf_clear(&x->body);
    mem_free(x->target);
    mem_free(x);
}

/* ---- starting and stopping ---------------------------------------------- */

static akin_status listen_on(const struct addrinfo *address, akin_server *s,
                             akin_error *err)
{
    int on = 1;
    const char *host = s->api.options.host;
    s->fd = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (s->fd < 0)
        return AKIN_FAIL(err, AKIN_EIO, "no socket can be made: %s",
                         strerror(errno));
    setsockopt(s->fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(s->fd, address->ai_addr, address->ai_addrlen) == 0 &&
        listen(s->fd, BACKLOG) == 0)
        return AKIN_OK;
    if (errno == EADDRINUSE)
        return AKIN_FAIL(err, AKIN_EEXISTS, "port %d of '%s' is in use",
                         s->port, host);
    return AKIN_FAIL(err, AKIN_EIO, "cannot listen on port %d of '%s': %s",
                     s->port, host, strerror(errno));
}

static akin_status open_socket(akin_server *s, akin_error *err)
{
    char port[16];
    struct addrinfo hints = {.ai_family = AF_UNSPEC,
                             .ai_socktype = SOCK_STREAM,
                             .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
    struct addrinfo *addresses = NULL;
    snprintf(port, sizeof port, "%d", s->port);
    int problem = getaddrinfo(s->api.options.host, port, &hints, &addresses);
    if (problem)
        return AKIN_FAIL(err, AKIN_EUSAGE, "'%s' is no address here: %s",
                         s->api.options.host, gai_strerror(problem));
    akin_status status = listen_on(addresses, s, err);
    freeaddrinfo(addresses);
    return status;
}

static int port_of(int fd)
{
    struct sockaddr_storage address;
    socklen_t n = sizeof address;
    if (getsockname(fd, (struct sockaddr *)&address, &n) != 0) return 0;
    return ntohs(address.ss_family == AF_INET6
                     ? ((struct sockaddr_in6 *)&address)->sin6_port
                     : ((struct sockaddr_in *)&address)->sin_port);
}

static void on_daemon_message(void *user, const char *fmt, va_list args)
{
    akin_server *s = user;
    char text[512];
    vsnprintf(text, sizeof text, fmt, args);
    text[strcspn(text, "\n")] = 0;
    if (s->api.options.log) s->api.options.log(s->api.options.user, text);
}

static akin_status start_daemon(akin_server *s, akin_error *err)
{
    const akin_serve_limits *limits = &s->api.options.limits;
    s->daemon = MHD_start_daemon(
        MHD_USE_THREAD_PER_CONNECTION | MHD_USE_INTERNAL_POLLING_THREAD |
            MHD_USE_POLL | MHD_USE_ITC | MHD_USE_ERROR_LOG,
        0, NULL, NULL, on_request, s,
        MHD_OPTION_EXTERNAL_LOGGER, on_daemon_message, s,
        MHD_OPTION_LISTEN_SOCKET, s->fd,
        MHD_OPTION_CONNECTION_LIMIT,
        (unsigned)(limits->connections + SPARE_CONNECTIONS),
        MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)(limits->idle_s + 0.999),
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)HEADER_BYTES,
        MHD_OPTION_URI_LOG_CALLBACK, on_target, s,
        MHD_OPTION_NOTIFY_COMPLETED, on_completed, s,
        MHD_OPTION_NOTIFY_CONNECTION, on_connection, s,
        MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_END);
    if (s->daemon) {
        s->fd = -1; /* it closes the socket */
        return AKIN_OK;
    }
    return AKIN_FAIL(err, AKIN_EIO, "the server cannot be started: %s",
                     strerror(errno));
}

static akin_status start_watcher(akin_server *s, akin_error *err)
{
    int problem = pthread_create(&s->watcher, NULL, watch_peers, s);
    s->watching = problem == 0;
    if (s->watching) return AKIN_OK;
    return AKIN_FAIL(err, AKIN_EIO, "no thread can be started: %s",
                     strerror(problem));
}

static akin_status check_port(const akin_serve_options *opt, int *port,
                              akin_error *err)
{
    if (opt->port > 65535)
        return AKIN_FAIL(err, AKIN_EUSAGE, "a port is 1 to 65535, not %d",
                         opt->port);
    *port = opt->port < 0 ? 0 : opt->port ? opt->port : DEFAULT_PORT;
    return AKIN_OK;
}

static akin_status start(akin_server *s, const akin_serve_options *opt,
                         akin_error *err)
{
    AKIN_TRY(check_port(opt, &s->port, err));
    AKIN_TRY(api_init(&s->api, opt, err));
    AKIN_TRY(open_socket(s, err));
    s->port = port_of(s->fd);
    guard_set_port(&s->api.guard, s->port);
    const char *host = s->api.options.host;
    snprintf(s->url, sizeof s->url, strchr(host, ':') ? "http://[%s]:%d/"
                                                      : "http://%s:%d/",
             host, s->port);
    AKIN_TRY(start_watcher(s, err));
    return start_daemon(s, err);
}

akin_status akin_server_start(const akin_serve_options *opt, akin_server **out,
                              akin_error *err)
{
    static const akin_serve_options defaults = {0};
    akin_server *s;
    AKIN_TRY(mem_new_array(1, sizeof *s, "a server", (void **)&s, err));
    s->fd = -1;
    pthread_mutex_init(&s->lock, NULL);
    pthread_cond_init(&s->changed, NULL);
    akin_status status = start(s, opt ? opt : &defaults, err);
    if (status == AKIN_OK)
        *out = s;
    else
        akin_server_stop(s);
    return status;
}

int akin_server_port(const akin_server *server)
{
    return server->port;
}

const char *akin_server_url(const akin_server *server)
{
    return server->url;
}

/* Jobs first: who waits for one is woken, so that every connection can end. */
void akin_server_stop(akin_server *server)
{
    akin_server *s = server;
    if (!s) return;
    if (s->api.jobs) jobs_stop(s->api.jobs);
    if (s->daemon) MHD_stop_daemon(s->daemon);
    pthread_mutex_lock(&s->lock);
    s->stopping = true;
    pthread_cond_signal(&s->changed);
    pthread_mutex_unlock(&s->lock);
    if (s->watching) pthread_join(s->watcher, NULL);
    if (s->fd >= 0) close(s->fd);
    api_clear(&s->api);
    pthread_cond_destroy(&s->changed);
    pthread_mutex_destroy(&s->lock);
    mem_free(s);
}
