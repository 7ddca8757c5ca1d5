/* SPDX-License-Identifier: MIT
 * akin serve: the databases and datasets of a folder over HTTP. */
#define _GNU_SOURCE
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "akin/serve.h"
#include "base/clock.h"
#include "base/memory.h"
#include "base/text.h"
#include "cli/commands.h"
#include "cli/model_places.h"
#include "cli/print.h"
#include "cli/signals.h"

#define LOOK_S 0.05 /* between two looks at the signals */

typedef struct serve_args {
    const char *host, *token, *exports;
    option_texts media, names;
    int64_t port;
    int device;
    bool open, log, json;
} serve_args;

#define AT(field) offsetof(serve_args, field)

static const option_spec option_table[] = {
    {.name = "host", .type = OPTION_TEXT, .offset = AT(host),
     .value = "ADDRESS",
     .help = "the address to listen on (127.0.0.1); one that others can reach "
             "needs --token"},
    {.name = "port", .type = OPTION_INTEGER, .offset = AT(port), .value = "N",
     .help = "the port (7700); 0 is a free one", .max = 65535},
    {.name = "token", .type = OPTION_TEXT, .offset = AT(token), .value = "T",
     .help = "what clients must show to be answered"},
    {.name = "name", .type = OPTION_TEXTS, .offset = AT(names),
     .value = "NAME",
     .help = "a further name that this server is called by (behind a proxy)"},
    {.name = "media", .type = OPTION_TEXTS, .offset = AT(media),
     .value = "DIR",
     .help = "a folder that new databases and datasets may be made of; "
             "repeatable"},
    {.name = "exports", .type = OPTION_TEXT, .offset = AT(exports),
     .value = "DIR",
     .help = "the folder that exports are written below (exports in PATH)"},
    {.name = "device", .type = OPTION_CHOICE, .offset = AT(device),
     .value = "cpu|cuda", .help = "what learned models run on (cpu)",
     .choices = command_devices},
    {.name = "open", .type = OPTION_FLAG, .offset = AT(open),
     .help = "show it in the browser"},
    {.name = "log", .type = OPTION_FLAG, .offset = AT(log),
     .help = "a line on stderr for each request"},
    {.name = "json", .type = OPTION_FLAG, .offset = AT(json),
     .help = "print the address as JSON"},
    OPTION_END,
};

static void log_line(void *unused, const char *line)
{
    (void)unused;
    print_note("%s", line);
}

/* The address as a browser on this machine reaches it, with the token, which it
 * gives up for a cookie. */
static char *browser_address(const serve_args *args, const akin_server *server)
{
    const char *url = akin_server_url(server);
    if (text_equal(args->host, "0.0.0.0") || text_equal(args->host, "::"))
        return text_format("http://127.0.0.1:%d/%s%s", akin_server_port(server),
                           args->token ? "?token=" : "",
                           args->token ? args->token : "");
    return text_format("%s%s%s", url, args->token ? "?token=" : "",
                       args->token ? args->token : "");
}

/* Without a shell: nothing in the address can be taken for a command. The
 * browser is nobody's child, so that it is not waited for. */
static void show(const char *address)
{
    pid_t child = fork();
    if (child > 0) waitpid(child, NULL, 0);
    if (child != 0) return;
    if (fork() == 0) {
        execlp("xdg-open", "xdg-open", address, (char *)NULL);
        _exit(127);
    }
    _exit(0);
}

static void announce(const serve_args *args, const akin_server *server)
{
    char *address = browser_address(args, server);
    if (args->json) {
        print_json(json_pack("{s:s, s:i}", "url", akin_server_url(server),
                             "port", akin_server_port(server)));
    } else {
        printf("%s\n", akin_server_url(server));
        print_note("stop with Ctrl-C");
    }
    fflush(stdout);
    if (args->open && address) show(address);
    mem_free(address);
}

static int serve(const serve_args *args, const akin_serve_options *opt)
{
    akin_server *server;
    akin_error err = {0};
    signals_catch();
    if (akin_server_start(opt, &server, &err) != AKIN_OK)
        return print_failure(&err);
    announce(args, server);
    while (!signals_stopped()) clock_sleep_s(LOOK_S);
    akin_server_stop(server);
    return EXIT_DONE;
}

static int run_serve(const options *parsed, const void *args_)
{
    const serve_args *args = args_;
    model_places places;
    akin_error err = {0};
    if (parsed->n_operands > 1)
        return command_misused(parsed, "one folder is served");
    akin_serve_options opt = {
        .root = parsed->n_operands ? parsed->operands[0] : NULL,
        .host = args->host, .token = args->token,
        .port = !options_given(parsed, "port") ? 0
                : args->port == 0              ? -1
                                               : (int)args->port,
        .names = args->names.items, .n_names = args->names.n,
        .media = args->media.items, .n_media = args->media.n,
        .exports = args->exports,
        .log = args->log ? log_line : NULL, .warn = print_library_warning};
    int code = EXIT_FAILED;
    if (model_places_init(&places, (akin_device)args->device, &err) ==
        AKIN_OK) {
        opt.models = &places.options;
        code = serve(args, &opt);
    } else {
        code = print_failure(&err);
    }
    model_places_clear(&places);
    return code;
}

const command cmd_serve = {
    .name = "serve",
    .summary = "serve databases and datasets over HTTP",
    .synopsis = "[PATH] [--host ADDRESS] [--port N] [--token T] [--open]",
    .about =
        "PATH is a database or dataset, a folder of these or a folder of such "
        "folders; the\ncurrent folder if none is given. The address is printed once requests "
        "are answered; what can\nbe asked there is in docs/HTTP.md and in "
        "/api/openapi.json. Only this machine can\nreach it unless --host says "
        "otherwise, and then only with the token. Ctrl-C ends it;\njobs that run "
        "are stopped with what they have done kept.\n\n"
        "  akin serve library\n"
        "  akin serve library --host 0.0.0.0 --token \"$(openssl rand -hex 16)\"\n"
        "  curl 'http://127.0.0.1:7700/api/datasets/cars/search?q=a+red+truck'\n",
    .table = option_table,
    .args_size = sizeof(serve_args),
    .run = run_serve,
};
