/* SPDX-License-Identifier: MIT
 * model/card: the cards that ship are read, each wrong key or value is one
 * line that names both, CLIP's folders are recognised, identities follow what
 * changes vectors and nothing else. */
#include "model/card.h"

#include <stdlib.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/json.h"
#include "base/memory.h"
#include "test.h"

static model_card *new_card(void)
{
    model_card *card = calloc(1, sizeof *card);
    if (!card) abort();
    return card;
}

static akin_status parse(const char *text, model_card *card, akin_error *e)
{
    return card_parse(text, strlen(text), "c", card, e);
}

/* ---- the cards that ship ----------------------------------------------- */

static void cards_that_ship_are_read(void)
{
    static const struct {
        const char *name;
        card_modality modality;
        uint32_t dim;
    } rows[] = {
        {"birdnet-v2.4", CARD_SOUND, 1024},
        {"birdnet-plus-v3.0", CARD_SOUND, 1280},
        {"perch-v2", CARD_SOUND, 1536},
        {"vggish", CARD_SOUND, 128},
        {"yamnet", CARD_SOUND, 1024},
        {"openclip-vit-b-32", CARD_IMAGE, 512},
        {"openai-clip-vit-b-32", CARD_IMAGE, 512},
        {"siglip-base", CARD_IMAGE, 768},
    };
    model_card *card = new_card();
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char folder[256];
        akin_error e = {0};
        snprintf(folder, sizeof folder, "../../models/%s", rows[i].name);
        CHECK_OK(card_from_folder(test_data(folder), card, &e), e);
        CHECK_EQ_TEXT(card->name, rows[i].name);
        CHECK_EQ_INT(card->modality, rows[i].modality);
        CHECK_EQ_INT(card->dim, rows[i].dim);
        CHECK_EQ_TEXT(card->warnings, "");
        CHECK(card->n_files > 0 && card->source[0] && card->licence[0]);
    }
    free(card);
}

static void fields_of_shipped_cards(void)
{
    model_card *card = new_card();
    akin_error e = {0};
    CHECK_OK(card_from_folder(test_data("../../models/birdnet-v2.4"), card,
                              &e), e);
    const card_sound *sound = &card->sound;
    CHECK_EQ_INT(sound->rate_hz, 48000);
    CHECK_EQ_INT(sound->window_samples, 144000);
    CHECK(sound->embedding.before_last_gemm && sound->has_scores);
    CHECK_EQ_INT(sound->input.rank, 2);
    CHECK_EQ_INT(sound->input.shape[0], -1);
    CHECK_EQ_INT(sound->scores.shape[1], 6522);
    CHECK_EQ_TEXT(sound->labels.path, "labels.txt");
    CHECK_OK(card_from_folder(test_data("../../models/vggish"), card, &e), e);
    CHECK_EQ_INT(sound->window_samples, 15600);
    CHECK_EQ_INT(sound->mel.frames, 96);
    CHECK_NEAR(sound->mel.log_offset, 0.01, 0);
    CHECK_OK(card_from_folder(test_data("../../models/perch-v2"), card, &e),
             e);
    CHECK(sound->normalize == CARD_NORMALIZE_PEAK && sound->peak == 0.25);
    CHECK_OK(card_from_folder(test_data("../../models/openclip-vit-b-32"),
                              card, &e), e);
    CHECK_EQ_INT(card->image.resize_pixels, 224);
    CHECK(card->image.crop && card->image.scale);
    CHECK_NEAR(card->image.std[2], 0.27577711, 1e-7);
    CHECK_EQ_INT(card->text.context, 77);
    CHECK_EQ_INT(card->text.input.type, CARD_TYPE_INT32);
    CHECK_EQ_INT(card_find_file(card, "visual/model.onnx")->size_bytes,
                 351613724);
    free(card);
}

/* ---- wrong values ------------------------------------------------------ */

#define HEAD "{\"schema\":1,\"name\":\"m\",\"dim\":8,"
#define SOUND_HEAD HEAD "\"modality\":\"sound\","
#define SOUND                                                                  \
    SOUND_HEAD "\"sound\":{\"model\":\"m.onnx\",\"sample_rate\":16000,"        \
               "\"window_seconds\":1"
#define MEL(fft, fmax, frames)                                                 \
    SOUND ",\"input\":{\"kind\":\"log-mel\",\"mel\":{\"fft\":" fft             \
          ",\"window\":400,\"hop\":160,\"bands\":64,\"frames\":" frames        \
          ",\"fmin\":125,\"fmax\":" fmax ",\"log_offset\":0.01}}}}"
#define IMAGE                                                                  \
    HEAD "\"modality\":\"image\",\"image\":{\"model\":\"v.onnx\","             \
         "\"size\":32,\"mean\":0.5,\"std\":0.5"

static void wrong_values_are_named(void)
{
    static const struct {
        const char *text;
        akin_status status;
        const char *words;
    } rows[] = {
        {"", AKIN_ECORRUPT, "'c' is not JSON"},
        {"[]", AKIN_EMODEL, "'c' is not a JSON object"},
        {"{}", AKIN_EMODEL, "'c': schema is missing"},
        {"{\"schema\":2}", AKIN_EMODEL, "name is missing"},
        {"{\"schema\":2,\"name\":\"m\",\"modality\":\"sound\",\"dim\":1}",
         AKIN_EVERSION, "schema 2 is newer"},
        {"{\"schema\":1,\"name\":\"../m\",\"modality\":\"sound\",\"dim\":1}",
         AKIN_EMODEL, "'c': name is \"../m\", not a name of letters"},
        {"{\"schema\":1,\"name\":7,\"modality\":\"sound\",\"dim\":1}",
         AKIN_EMODEL, "name is 7, not one line of text below 65 bytes"},
        {"{\"schema\":1,\"name\":\"m\",\"modality\":\"smell\",\"dim\":1}",
         AKIN_EMODEL, "modality is \"smell\", not one of \"sound\", "
                      "\"image\""},
        {"{\"schema\":1,\"name\":\"m\",\"modality\":\"sound\",\"dim\":0}",
         AKIN_EMODEL, "dim is 0, not a whole number from 1 to 65536"},
        {"{\"schema\":1,\"name\":\"m\",\"modality\":\"sound\",\"dim\":1e99}",
         AKIN_EMODEL, "not a whole number from 1 to 65536"},
        {HEAD "\"modality\":\"sound\"}", AKIN_EMODEL, "sound is missing"},
        {SOUND_HEAD "\"sound\":[]}", AKIN_EMODEL, "sound is [], not an "
                                                  "object"},
        {SOUND_HEAD "\"sound\":{}}", AKIN_EMODEL, "sound.model is missing"},
        {SOUND_HEAD "\"sound\":{\"model\":\"/etc/passwd\"}}", AKIN_EMODEL,
         "sound.model is \"/etc/passwd\", not a path inside"},
        {SOUND_HEAD "\"sound\":{\"model\":\"a/../../b\"}}", AKIN_EMODEL,
         "not a path inside"},
        {SOUND_HEAD "\"sound\":{\"model\":\"a\\\\b\"}}", AKIN_EMODEL,
         "not a path inside"},
        {SOUND_HEAD "\"sound\":{\"model\":\"\"}}", AKIN_EMODEL,
         "not a path inside"},
        {SOUND_HEAD "\"sound\":{\"model\":\"a\\u001bb\"}}", AKIN_EMODEL,
         "one line of text"},
        {SOUND_HEAD "\"sound\":{\"model\":\"a\"}}", AKIN_EMODEL,
         "sound.sample_rate is missing"},
        {SOUND_HEAD "\"sound\":{\"model\":\"a\",\"sample_rate\":\"fast\","
                    "\"window_seconds\":1}}",
         AKIN_EMODEL, "sound.sample_rate is \"fast\", not a whole number"},
        {SOUND_HEAD "\"sound\":{\"model\":\"a\",\"sample_rate\":1,"
                    "\"window_seconds\":0.01}}",
         AKIN_EMODEL, "sound.window_seconds is 0.01"},
        {SOUND ",\"normalize\":\"peak\"}}", AKIN_EMODEL, "sound.peak is "
                                                         "missing"},
        {SOUND ",\"normalize\":\"loud\"}}", AKIN_EMODEL,
         "sound.normalize is \"loud\", not one of \"none\""},
        {SOUND ",\"batch\":\"many\"}}", AKIN_EMODEL, "sound.batch is "
                                                     "\"many\""},
        {SOUND ",\"batch\":0}}", AKIN_EMODEL, "sound.batch is 0"},
        {SOUND ",\"input\":{\"shape\":[0]}}}", AKIN_EMODEL,
         "sound.input.shape is [0]"},
        {SOUND ",\"input\":{\"shape\":[1,2,3,4,5,6]}}}", AKIN_EMODEL,
         "sound.input.shape is [1, 2, 3, 4, 5, 6]"},
        {SOUND ",\"input\":{\"type\":\"int4\"}}}", AKIN_EMODEL,
         "sound.input.type is \"int4\""},
        {SOUND ",\"input\":{\"kind\":\"log-mel\"}}}", AKIN_EMODEL,
         "sound.input.mel is missing"},
        {SOUND ",\"embedding\":{\"rule\":\"guess\"}}}", AKIN_EMODEL,
         "sound.embedding.rule is \"guess\""},
        {SOUND ",\"scores\":{\"labels\":{}}}}", AKIN_EMODEL,
         "sound.scores.labels.path is missing"},
        {SOUND ",\"scores\":{\"labels\":{\"path\":\"l\",\"column\":\"n\"}}}}",
         AKIN_EMODEL, "sound.scores.labels.column is \"n\""},
        {MEL("500", "7500", "90"), AKIN_EMODEL, "mel.fft is 500, not a power"},
        {MEL("256", "7500", "90"), AKIN_EMODEL, "window is 400, more than"},
        {MEL("512", "8001", "90"), AKIN_EMODEL, "fmax 8001"},
        {MEL("512", "100", "90"), AKIN_EMODEL, "fmin 125"},
        {MEL("512", "7500", "99"), AKIN_EMODEL, "frames is 99, which need "
                                                "16080 samples"},
        {SOUND "},\"files\":{}}", AKIN_EMODEL, "files is {}"},
        {SOUND "},\"files\":[1]}", AKIN_EMODEL, "files is [1]"},
        {SOUND "},\"files\":[{}]}", AKIN_EMODEL, "files[0].path is missing"},
        {SOUND "},\"files\":[{\"path\":\"model.json\"}]}", AKIN_EMODEL,
         "files[0].path is \"model.json\""},
        {SOUND "},\"files\":[{\"path\":\"a\"},{\"path\":\"a\"}]}", AKIN_EMODEL,
         "files[1].path is \"a\", not listed once"},
        {SOUND "},\"files\":[{\"path\":\"a\",\"sha256\":\"ABC\"}]}",
         AKIN_EMODEL, "files[0].sha256 is \"ABC\""},
        {SOUND "},\"files\":[{\"path\":\"a\",\"size\":-1}]}", AKIN_EMODEL,
         "files[0].size is -1"},
        {HEAD "\"modality\":\"image\"}", AKIN_EMODEL, "image is missing"},
        {HEAD "\"modality\":\"image\",\"image\":{\"model\":\"v\","
              "\"size\":[224]}}", AKIN_EMODEL, "image.size is [224]"},
        {HEAD "\"modality\":\"image\",\"image\":{\"model\":\"v\","
              "\"size\":224}}", AKIN_EMODEL, "image.mean is missing"},
        {IMAGE ",\"mean\":[1,2]}}", AKIN_ECORRUPT, "duplicate"},
        {IMAGE ",\"crop\":false}}", AKIN_EMODEL, "image.crop is false"},
        {IMAGE ",\"resize_size\":31}}", AKIN_EMODEL, "resize_size is 31"},
        {IMAGE ",\"interpolation\":\"best\"}}", AKIN_EMODEL,
         "image.interpolation is \"best\""},
        {IMAGE "},\"text\":{\"model\":\"t.onnx\"}}", AKIN_EMODEL,
         "text.context is missing"},
        {IMAGE "},\"text\":{\"model\":\"t.onnx\",\"context\":77}}",
         AKIN_EMODEL, "text.tokenizer_files is missing"},
        {IMAGE "},\"text\":{\"model\":\"t.onnx\",\"context\":77,"
               "\"tokenizer_files\":[\"../t\"]}}",
         AKIN_EMODEL, "text.tokenizer_files is [\"../t\"]"},
        {IMAGE "},\"text\":{\"model\":\"t.onnx\",\"context\":9,"
               "\"tokenizer\":\"bytes\",\"tokenizer_files\":[\"t\"]}}",
         AKIN_EMODEL, "\"bytes\" has none"},
    };
    model_card *card = new_card();
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        akin_error e = {0};
        CHECK_STATUS(parse(rows[i].text, card, &e), rows[i].status);
        if (!strstr(e.text, rows[i].words) || strchr(e.text, '\n'))
            test_fail(__FILE__, __LINE__, "%s gave: %s", rows[i].text, e.text);
        CHECK_STATUS(parse(rows[i].text, card, NULL), rows[i].status);
    }
    free(card);
}

static void unknown_keys_are_warned_about(void)
{
    model_card *card = new_card();
    akin_error e = {0};
    CHECK_OK(parse(SOUND ",\"colour\":1,\"input\":{\"nme\":\"x\"}},\"x\":{}}",
                   card, &e), e);
    CHECK_EQ_TEXT(card->warnings, "unknown key 'sound.input.nme'; unknown key "
                                  "'sound.colour'; unknown key 'x'");
    CHECK_EQ_INT(card->n_files, 1);
    CHECK_EQ_TEXT(card->files[0].path, "m.onnx");
    free(card);
}

static void parts_of_image_cards(void)
{
    model_card *card = new_card();
    akin_error e = {0};
    CHECK_OK(parse(IMAGE ",\"resize\":\"squash\",\"layout\":\"NHWC\","
                         "\"batch\":4},\"text\":{\"model\":\"t.onnx\","
                         "\"tokenizer\":\"bytes\",\"context\":48,"
                         "\"pooling\":\"end-token\",\"batch\":\"dynamic\"}}",
                   card, &e), e);
    CHECK_EQ_INT(card->image.order, CARD_ORDER_NHWC);
    CHECK(!card->image.crop && card->image.batch == 4);
    CHECK_NEAR(card->image.mean[2], 0.5, 0);
    CHECK_EQ_INT(card->text.tokenizer, CARD_TOKENIZER_BYTES);
    CHECK(card->text.end_token_pooling && card->text.batch == 0);
    CHECK_EQ_INT(card->n_files, 2);
    free(card);
}

static void paths_inside(void)
{
    static const char *const good[] = {"a", "a/b.onnx", "a..b", "...", "a b"};
    static const char *const bad[] = {"", "/a", "a/", "a//b", ".", "a/./b",
                                      "..", "a/..", "a\\b", "a\nb"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        CHECK(card_path_is_inside(good[i]));
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        CHECK(!card_path_is_inside(bad[i]));
}

/* ---- folders ----------------------------------------------------------- */

/* Writes test_dir()/name, making its folders. */
static void put(const char *name, const char *text)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s", test_dir(), name);
    for (char *p = path + strlen(test_dir()) + 1; *p; p++) {
        if (*p != '/') continue;
        *p = 0;
        mkdir(path, 0777);
        *p = '/';
    }
    FILE *f = fopen(path, "wb");
    CHECK(f && fputs(text, f) >= 0 && fclose(f) == 0);
}

static const char *in_dir(const char *name)
{
    static char path[512];
    snprintf(path, sizeof path, "%s/%s", test_dir(), name);
    return path;
}

static void put_immich(const char *preprocess, const char *tokenizer_class)
{
    char text[256];
    put("ViT B-32__openai/visual/model.onnx", "v");
    put("ViT B-32__openai/visual/0123-weights", "w");
    put("ViT B-32__openai/visual/fp16/model.onnx", "h");
    put("ViT B-32__openai/visual/preprocess_cfg.json", preprocess);
    put("ViT B-32__openai/textual/model.onnx", "t");
    put("ViT B-32__openai/textual/tokenizer.json", "{}");
    snprintf(text, sizeof text,
             "{\"tokenizer_class\":\"%s\",\"pad_token\":\"!\"}",
             tokenizer_class);
    put("ViT B-32__openai/textual/tokenizer_config.json", text);
    put("ViT B-32__openai/config.json",
        "{\"embed_dim\":512,\"vision_cfg\":{\"image_size\":240},"
        "\"text_cfg\":{\"context_length\":76}}");
}

static void immich_folders_are_recognised(void)
{
    model_card *card = new_card();
    akin_error e = {0};
    put_immich("{\"size\":[256,256],\"mode\":\"RGB\",\"mean\":[0,0,0],"
               "\"std\":[1,1,1],\"interpolation\":\"bilinear\","
               "\"resize_mode\":\"squash\",\"fill_color\":0}",
               "CLIPTokenizer");
    CHECK_OK(card_from_folder(in_dir("ViT B-32__openai"), card, &e), e);
    CHECK_EQ_INT(card->layout, CARD_LAYOUT_IMMICH);
    CHECK_EQ_TEXT(card->name, "ViT_B-32__openai");
    CHECK_EQ_INT(card->dim, 512);
    CHECK_EQ_INT(card->image.width, 256);
    CHECK_EQ_INT(card->image.resize, CARD_RESIZE_SQUASH);
    CHECK_EQ_INT(card->image.interpolation, CARD_INTERPOLATION_BILINEAR);
    CHECK_EQ_INT(card->text.context, 76);
    CHECK_EQ_TEXT(card->text.pad_token, "!");
    CHECK_EQ_TEXT(card->text.tokenizer_files[0], "textual/tokenizer.json");
    CHECK(card_find_file(card, "visual/0123-weights") != NULL);
    CHECK(card_find_file(card, "visual/preprocess_cfg.json") != NULL);
    CHECK(card_find_file(card, "visual/fp16/model.onnx") == NULL);
    put_immich("{\"size\":224}", "T5Tokenizer");
    CHECK_OK(card_from_folder(in_dir("ViT B-32__openai"), card, &e), e);
    CHECK_EQ_INT(card->image.resize, CARD_RESIZE_SHORTEST);
    CHECK_NEAR(card->image.mean[0], 0.48145466, 1e-7);
    CHECK_EQ_INT(card->text.tokenizer, CARD_TOKENIZER_SENTENCEPIECE);
    put_immich("{\"size\":[224,-1]}", "CLIPTokenizer");
    CHECK_STATUS(card_from_folder(in_dir("ViT B-32__openai"), card, &e),
                 AKIN_EMODEL);
    CHECK(strstr(e.text, "preprocess_cfg.json': size is [224, -1]") != NULL);
    free(card);
}

static void hugging_face_folders_are_recognised(void)
{
    model_card *card = new_card();
    akin_error e = {0};
    put("clip/onnx/vision_model.onnx", "v");
    put("clip/onnx/vision_model.onnx_data", "w");
    put("clip/onnx/text_model_quantized.onnx", "t");
    put("clip/vocab.json", "{}");
    put("clip/merges.txt", "");
    put("clip/config.json", "{\"model_type\":\"clip\",\"projection_dim\":640,"
                            "\"text_config\":{\"max_position_embeddings\":"
                            "77}}");
    put("clip/preprocessor_config.json",
        "{\"size\":{\"shortest_edge\":256},\"crop_size\":{\"height\":224,"
        "\"width\":224},\"do_center_crop\":true,\"resample\":3,"
        "\"rescale_factor\":0.00392156862745098,\"image_mean\":[0.5,0.5,0.5],"
        "\"image_std\":[0.25,0.25,0.25],\"feature_extractor_type\":\"x\"}");
    CHECK_OK(card_from_folder(in_dir("clip"), card, &e), e);
    CHECK_EQ_INT(card->layout, CARD_LAYOUT_HUGGINGFACE);
    CHECK_EQ_INT(card->dim, 640);
    CHECK_EQ_INT(card->image.resize_pixels, 256);
    CHECK_EQ_INT(card->image.width, 224);
    CHECK(card->image.crop && card->image.resize == CARD_RESIZE_SHORTEST);
    CHECK_EQ_TEXT(card->text.model, "onnx/text_model_quantized.onnx");
    CHECK_EQ_TEXT(card->text.tokenizer_files[1], "merges.txt");
    CHECK(card_find_file(card, "onnx/vision_model.onnx_data") != NULL);
    put("clip/preprocessor_config.json",
        "{\"size\":{\"height\":384,\"width\":384},\"do_normalize\":false,"
        "\"resample\":2}");
    CHECK_OK(card_from_folder(in_dir("clip"), card, &e), e);
    CHECK(!card->image.crop && card->image.resize == CARD_RESIZE_SQUASH);
    CHECK_EQ_INT(card->image.width, 384);
    CHECK_NEAR(card->image.std[0], 1, 0);
    put("clip/preprocessor_config.json", "{\"size\":224,\"resample\":1}");
    CHECK_STATUS(card_from_folder(in_dir("clip"), card, &e), AKIN_EMODEL);
    CHECK(strstr(e.text, "resample is 1") != NULL);
    put("clip/preprocessor_config.json", "{\"size\":224,\"crop_size\":224}");
    CHECK_OK(card_from_folder(in_dir("clip"), card, &e), e);
    CHECK(card->image.crop && card->image.resize == CARD_RESIZE_SHORTEST);
    free(card);
}

static void open_clip_folders_are_recognised(void)
{
    model_card *card = new_card();
    akin_error e = {0};
    put("o/open_clip_config.json",
        "{\"model_cfg\":{\"embed_dim\":768,\"vision_cfg\":{\"image_size\":"
        "[336,336]},\"text_cfg\":{\"context_length\":64}},"
        "\"preprocess_cfg\":{\"mean\":[0.5,0.5,0.5],\"std\":[0.5,0.5,0.5],"
        "\"size\":336,\"resize_mode\":\"longest\",\"fill_color\":12}}");
    CHECK_STATUS(card_from_folder(in_dir("o"), card, &e), AKIN_ENOTFOUND);
    put("o/visual.onnx", "v");
    CHECK_OK(card_from_folder(in_dir("o"), card, &e), e);
    CHECK_EQ_INT(card->layout, CARD_LAYOUT_OPEN_CLIP);
    CHECK_EQ_INT(card->dim, 768);
    CHECK_EQ_INT(card->image.height, 336);
    CHECK_EQ_INT(card->image.fill, 12);
    CHECK_EQ_TEXT(card->text.model, "");
    put("o/textual.onnx", "t");
    CHECK_STATUS(card_from_folder(in_dir("o"), card, &e), AKIN_EMODEL);
    CHECK(strstr(e.text, "text graph, but neither tokenizer.json") != NULL);
    free(card);
}

static void other_folders_are_none(void)
{
    model_card *card = new_card();
    akin_error e = {0};
    CHECK_STATUS(card_from_folder("/nowhere", card, &e), AKIN_ENOTFOUND);
    CHECK_STATUS(card_from_folder(test_dir(), card, &e), AKIN_ENOTFOUND);
    CHECK(strstr(e.text, "has no model.json") != NULL);
    put("both/onnx/model.onnx", "m");
    CHECK_STATUS(card_from_folder(in_dir("both"), card, &e),
                 AKIN_EUNSUPPORTED);
    put("bad/model.json", "{\"schema\":1,");
    CHECK_STATUS(card_from_folder(in_dir("bad"), card, &e), AKIN_ECORRUPT);
    CHECK(strstr(e.text, "bad/model.json") != NULL);
    free(card);
}

/* ---- identities -------------------------------------------------------- */

/* sha256 of "abc" */
#define ABC "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"

static void identity_of(const char *text, char out[HASH_HEX_BYTES])
{
    model_card *card = new_card();
    akin_error e = {0};
    CHECK_OK(parse(text, card, &e), e);
    CHECK_OK(card_identity(card, test_dir(), out, &e), e);
    free(card);
}

static void identities_follow_the_vectors(void)
{
    char first[HASH_HEX_BYTES], other[HASH_HEX_BYTES];
    put("m.onnx", "abc");
    put("labels.txt", "x");
    identity_of(SOUND "}}", first);
    CHECK(strlen(first) == 64);
    identity_of(SOUND "},\"about\":\"prose\",\"version\":\"9\"}", other);
    CHECK_EQ_TEXT(other, first);
    identity_of(SOUND ",\"scores\":{\"labels\":{\"path\":\"labels.txt\"}}}}",
                other);
    CHECK_EQ_TEXT(other, first);
    identity_of(SOUND ",\"normalize\":\"clamp\"}}", other);
    CHECK(strcmp(other, first) != 0);
    identity_of(SOUND ",\"embedding\":{\"name\":\"e\"}}}", other);
    CHECK(strcmp(other, first) != 0);
    put("m.onnx", "abcd");
    identity_of(SOUND "}}", other);
    CHECK(strcmp(other, first) != 0);
    CHECK(file_exists(in_dir(".akin-hashes")));
    put(".akin-hashes", "{\"m.onnx\": 3}"); /* damaged: an empty cache */
    identity_of(SOUND "}}", other);
    CHECK(strcmp(other, first) != 0);
}

static void other_files_are_refused(void)
{
    model_card *card = new_card();
    akin_error e = {0};
    char identity[HASH_HEX_BYTES];
    put("m.onnx", "abc");
    CHECK_OK(parse(SOUND "},\"files\":[{\"path\":\"m.onnx\",\"size\":3,"
                         "\"sha256\":\"" ABC "\"}]}", card, &e), e);
    CHECK_OK(card_check_files(card, test_dir(), true, &e), e);
    CHECK_OK(card_identity(card, test_dir(), identity, &e), e);
    put("m.onnx", "abd");
    CHECK_OK(card_check_files(card, test_dir(), false, &e), e);
    CHECK_STATUS(card_check_files(card, test_dir(), true, &e), AKIN_EMODEL);
    CHECK(strstr(e.text, "not the ba7816bf8f01... of its card") != NULL);
    CHECK_STATUS(card_identity(card, test_dir(), identity, &e), AKIN_EMODEL);
    put("m.onnx", "abcd");
    CHECK_STATUS(card_check_files(card, test_dir(), false, &e), AKIN_EMODEL);
    CHECK(strstr(e.text, "has 4 bytes, not the 3") != NULL);
    file_remove(in_dir("m.onnx"));
    CHECK_STATUS(card_check_files(card, test_dir(), false, &e),
                 AKIN_ENOTFOUND);
    CHECK_STATUS(card_identity(card, test_dir(), identity, &e),
                 AKIN_ENOTFOUND);
    free(card);
}

/* ---- memory ------------------------------------------------------------ */

static void every_failed_allocation_is_survived(void)
{
    model_card *card = new_card();
    put_immich("{\"size\":224}", "CLIPTokenizer");
    char folder[512];
    snprintf(folder, sizeof folder, "%s/ViT B-32__openai", test_dir());
    for (int64_t n = 1; n < 1000; n++) {
        char identity[HASH_HEX_BYTES];
        akin_error e = {0};
        mem_fail_at(n);
        akin_status status = card_from_folder(folder, card, &e);
        if (status == AKIN_OK)
            status = card_identity(card, folder, identity, &e);
        bool reached = !mem_fail_pending();
        mem_fail_at(0);
        CHECK(status == AKIN_OK || e.text[0]);
        if (!reached) break;
    }
    free(card);
}

const test_case test_card_cases[] = {
    {"card/cards_that_ship_are_read", cards_that_ship_are_read},
    {"card/fields_of_shipped_cards", fields_of_shipped_cards},
    {"card/wrong_values_are_named", wrong_values_are_named},
    {"card/unknown_keys_are_warned_about", unknown_keys_are_warned_about},
    {"card/parts_of_image_cards", parts_of_image_cards},
    {"card/paths_inside", paths_inside},
    {"card/immich_folders_are_recognised", immich_folders_are_recognised},
    {"card/hugging_face_folders_are_recognised",
     hugging_face_folders_are_recognised},
    {"card/open_clip_folders_are_recognised",
     open_clip_folders_are_recognised},
    {"card/other_folders_are_none", other_folders_are_none},
    {"card/identities_follow_the_vectors", identities_follow_the_vectors},
    {"card/other_files_are_refused", other_files_are_refused},
    {"card/every_failed_allocation_is_survived",
     every_failed_allocation_is_survived},
    {0},
};
