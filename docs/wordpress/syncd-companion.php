<?php
/**
 * Plugin Name: syncd companion
 * Description: Two things that WordPress lacks, for the daemon syncd: an id of its own for each post that no second post can have, and writes that are done only if the post still is as syncd saw it. It gives nobody a right. Deleting it on the page of plug-ins removes its table, its post meta and its option.
 * Version: 1.0.0
 * Requires at least: 6.1
 * Requires PHP: 7.4
 * License: Apache-2.0
 *
 * A create (POST /wp/v2/posts) may say syncd_id: while a post with that id is there, in the trash too, it is refused with
 * 409 syncd_exists. An update or delete may say If-Match: "<version>": it is refused with 412 syncd_changed unless the
 * post has that version. Every post tells its id and version in the field `syncd`, to those who may edit it; `checked` in
 * the answer to a write says that this very write was made under its condition. ?syncd_id= finds a post by its id.
 */

namespace Syncd\Companion;

if (!defined('ABSPATH')) {
    exit;
}

const API = 1;
const VERSION = '1.0.0';
const META = '_syncd_id';
const OPTION = 'syncd_companion';
const ID = '/^[A-Za-z0-9_.:-]{1,200}$/D';
const PATIENCE = 10;
/** Seconds that a person's save waits for a write of ours to the same post; then it goes on: an editor is never refused. */
const COURTESY = 5;

/** The request that is being guarded, and what it holds. */
final class Guarded
{
    public ?\WP_REST_Request $request = null;
    public string $id = '';
    public string $token = '';
    public bool $checked = false;
    /** The post that this request made with its id. */
    public int $made = 0;
    /** The same, although another got its id meanwhile. */
    public int $second = 0;
    /** @var array<string, true> names of the locks that this process holds */
    public array $locks = [];

    public static function now(): self
    {
        static $guarded;
        return $guarded ??= new self();
    }
}

// The table: which post has which id. Its keys refuse a second one, whatever becomes of the locks.

function table(): string
{
    global $wpdb;
    return $wpdb->prefix . 'syncd_ids';
}

/** Whether everything that is promised can be kept here: the table, and locks that the database really gives. */
function ready(): bool
{
    $told = get_option(OPTION);
    return is_array($told) && $told['locks'];
}

/** Idempotent. The post meta is the copy that travels with the posts: a lost table is made from it again. */
function install(): void
{
    global $wpdb;
    if (is_array(get_option(OPTION))) {
        return;
    }
    $table = table();
    $wpdb->query("CREATE TABLE IF NOT EXISTS $table (syncd_id VARCHAR(200) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
        post_id BIGINT UNSIGNED NULL, token CHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL, PRIMARY KEY (syncd_id),
        UNIQUE KEY post_id (post_id))");
    $wpdb->query($wpdb->prepare("INSERT IGNORE INTO $table (syncd_id, post_id, token) SELECT m.meta_value, m.post_id, ''
        FROM $wpdb->postmeta m JOIN $wpdb->posts p ON p.ID = m.post_id WHERE m.meta_key = %s ORDER BY m.post_id", META));
    $made = $wpdb->get_var("SHOW TABLES LIKE '" . $wpdb->esc_like($table) . "'") === $table;
    if ($made) {
        update_option(OPTION, ['version' => VERSION, 'locks' => locks()], true);
        // Another request may have written the same in this moment: WordPress then goes on remembering that there is none.
        array_map(fn($name) => wp_cache_delete($name, 'options'), ['alloptions', 'notoptions', OPTION]);
    }
}

/** Whether the database gives named locks, and knows whose they are. */
function locks(): bool
{
    global $wpdb;
    $name = lock_name('try' . wp_rand());
    $mine = $wpdb->get_var($wpdb->prepare('SELECT GET_LOCK(%s, 0) = 1 AND IS_USED_LOCK(%s) = CONNECTION_ID()', $name, $name));
    $wpdb->query($wpdb->prepare('SELECT RELEASE_LOCK(%s)', $name));
    return (string) $mine === '1';
}

function uninstall(): void
{
    global $wpdb;
    foreach (is_multisite() ? get_sites(['fields' => 'ids', 'number' => 0]) : [get_current_blog_id()] as $blog) {
        is_multisite() && switch_to_blog($blog);
        $wpdb->query('DROP TABLE IF EXISTS ' . table());
        delete_post_meta_by_key(META);
        delete_option(OPTION);
        is_multisite() && restore_current_blog();
    }
}

/** The post that has an id, 0 if none: a row whose post was removed past WordPress counts for nothing. */
function holder(string $id): int
{
    global $wpdb;
    return (int) $wpdb->get_var($wpdb->prepare(
        'SELECT p.ID FROM ' . table() . " s JOIN $wpdb->posts p ON p.ID = s.post_id WHERE s.syncd_id = %s", $id));
}

function id_of(int $post): string
{
    global $wpdb;
    return (string) $wpdb->get_var($wpdb->prepare('SELECT syncd_id FROM ' . table() . ' WHERE post_id = %d', $post));
}

/**
 * Make the row of an id ours, or take it over from a maker that died; a token tells makers apart. '' if it is taken, null
 * if the table can't be written: it is then made anew at the next request.
 */
function claim(string $id): ?string
{
    global $wpdb;
    $token = bin2hex(random_bytes(16));
    $insert = 'INSERT IGNORE INTO ' . table() . ' (syncd_id, post_id, token) VALUES (%s, NULL, %s)';
    $made = $wpdb->query($wpdb->prepare($insert, $id, $token));
    if ($made === false) {
        delete_option(OPTION);
        return null;
    }
    if ($made === 1) {
        return $token;
    }
    $take = 'UPDATE ' . table() . " SET token = %s, post_id = NULL WHERE syncd_id = %s
        AND (post_id IS NULL OR NOT EXISTS (SELECT 1 FROM $wpdb->posts p WHERE p.ID = post_id))";
    return $wpdb->query($wpdb->prepare($take, $token, $id)) === 1 ? $token : '';
}

/** False when somebody else has taken the row meanwhile. */
function bind(string $id, string $token, int $post): bool
{
    global $wpdb;
    $bound = 'UPDATE ' . table() . ' SET post_id = %d WHERE syncd_id = %s AND token = %s AND post_id IS NULL';
    return $wpdb->query($wpdb->prepare($bound, $post, $id, $token)) === 1;
}

function unclaim(string $id, string $token): void
{
    global $wpdb;
    $wpdb->query($wpdb->prepare(
        'DELETE FROM ' . table() . ' WHERE syncd_id = %s AND token = %s AND post_id IS NULL', $id, $token));
}

// Locks: of the database, so that they end with the process that holds them, however it ends.

function lock_name(string $what): string
{
    return 'syncd' . substr(sha1(DB_NAME . table() . $what), 0, 40);
}

function lock(string $what, int $seconds): bool
{
    global $wpdb;
    $guarded = Guarded::now();
    if (isset($guarded->locks[$what])) {
        return true;
    }
    if ((int) $wpdb->get_var($wpdb->prepare('SELECT GET_LOCK(%s, %d)', lock_name($what), $seconds)) !== 1) {
        return false;
    }
    return $guarded->locks[$what] = true;
}

function unlock(string $what): void
{
    global $wpdb;
    $guarded = Guarded::now();
    if (isset($guarded->locks[$what])) {
        unset($guarded->locks[$what]);
        $wpdb->query($wpdb->prepare('SELECT RELEASE_LOCK(%s)', lock_name($what)));
    }
}

// Versions

/** Changes with everything that an update of syncd would write over, and with the address; with nothing else. */
function version_of(object $post): string
{
    $told = [$post->post_status, $post->post_name, $post->post_title, $post->post_content, $post->post_excerpt];
    return substr(hash('sha256', implode("\0", $told)), 0, 24);
}

/** As the database has it now, past every cache. */
function stored_version(int $post): string
{
    global $wpdb;
    $row = $wpdb->get_row($wpdb->prepare(
        "SELECT post_status, post_name, post_title, post_content, post_excerpt FROM $wpdb->posts WHERE ID = %d", $post));
    return $row ? version_of($row) : '';
}

// The guard: after WordPress's own check of rights, before it acts.

/** null lets WordPress go on. */
function guard($answer, $request, $route, $handler)
{
    $call = $answer === null ? call_of($handler) : '';
    if ($call === '' || !ready()) {
        return $answer;
    }
    $id = $request['syncd_id'] ?? '';
    $match = trim((string) $request->get_header('if_match'));
    if ($id === '' && ($match === '' || $call === 'create_item')) {
        return $answer;
    }
    if (!is_string($id) || ($id !== '' && !preg_match(ID, $id))) {
        return refused('syncd_bad_id', 'syncd_id has characters that no id has, or too many.', 400);
    }
    Guarded::now()->request = $request;
    return $call === 'create_item' ? guard_create($request, $id) : guard_change((int) $request['id'], $id, $match);
}

/** create_item, update_item or delete_item of a post of any type, '' for every other route. */
function call_of($handler): string
{
    $callback = $handler['callback'] ?? null;
    $posts = is_array($callback) && $callback[0] instanceof \WP_REST_Posts_Controller
        && !$callback[0] instanceof \WP_REST_Attachments_Controller;
    return $posts && in_array($callback[1], ['create_item', 'update_item', 'delete_item'], true) ? $callback[1] : '';
}

function guard_create($request, string $id)
{
    if (!lock("id:$id", PATIENCE)) {
        return busy();
    }
    $there = holder($id) ?: by_address((string) $request['slug']);
    $token = $there ? '' : claim($id);
    if ($token === null) {
        return refused('syncd_store', 'The table of ids can not be written.', 503);
    }
    if ($token === '') {
        return refused('syncd_exists', 'A post with this syncd_id is there already.', 409, ['post_id' => $there ?: holder($id)]);
    }
    Guarded::now()->id = $id;
    Guarded::now()->token = $token;
    return null;
}

/** A post that syncd made before the companion was there has its address only. */
function by_address(string $slug): int
{
    global $wpdb;
    $query = "SELECT ID FROM $wpdb->posts WHERE post_name = %s AND post_status <> 'trash' AND post_type <> 'attachment'
        AND post_type <> 'revision' ORDER BY ID LIMIT 1";
    return $slug === '' ? 0 : (int) $wpdb->get_var($wpdb->prepare($query, $slug));
}

function guard_change(int $post, string $id, string $match)
{
    if (($id !== '' && !lock("id:$id", PATIENCE)) || !lock("post:$post", PATIENCE)) {
        return busy();
    }
    $version = stored_version($post);
    if ($match !== '' && $match !== "\"$version\"") {
        return refused('syncd_changed', 'The post is not as it was when this version of it was seen.', 412, ['version' => $version]);
    }
    Guarded::now()->checked = $match !== '';
    clean_post_cache($post); // what WordPress merges into its update must be no older than what was just compared
    if ($id !== '' && id_of($post) === '') {
        adopt($post, $id);
    }
    return null;
}

/** A post that was made without the companion gets its id, unless another post has that. */
function adopt(int $post, string $id): void
{
    $token = claim($id);
    if (!$token) {
        return;
    }
    bind($id, $token, $post) ? update_post_meta($post, META, $id) : unclaim($id, $token);
}

function refused(string $code, string $message, int $status, array $data = []): \WP_Error
{
    return new \WP_Error($code, $message, ['status' => $status] + $data);
}

function busy(): \WP_Error
{
    return refused('syncd_busy', 'Another write to this post is under way.', 423);
}

/** The id goes with the new post into WordPress's own code, so that both are stored before any plug-in is told. */
function with_id($prepared, $request)
{
    $guarded = Guarded::now();
    if ($guarded->token !== '' && $guarded->request === $request && !is_wp_error($prepared)) {
        $prepared->meta_input = [META => $guarded->id] + ($prepared->meta_input ?? []);
    }
    return $prepared;
}

/** Of the first post that gets the id only: a plug-in may copy it with its meta, as for a translation, in the same request. */
function id_stored($meta, $post, $name, $value): void
{
    $guarded = Guarded::now();
    if ($name === META && $guarded->token !== '' && $value === $guarded->id && !$guarded->made) {
        $guarded->made = (int) $post;
        $guarded->second = bind($guarded->id, $guarded->token, (int) $post) ? 0 : (int) $post;
    }
}

/** Give back what the guarded request held; requests that plug-ins make inside of it are none of ours. */
function finish($answer, $handler, $request)
{
    $guarded = Guarded::now();
    if ($guarded->request !== $request) {
        return $answer;
    }
    if ($guarded->second) {
        wp_delete_post($guarded->second, true);
        $answer = refused('syncd_exists', 'Another post got this syncd_id.', 409, ['post_id' => holder($guarded->id)]);
    }
    if ($guarded->token !== '') {
        unclaim($guarded->id, $guarded->token);
    }
    array_map(__NAMESPACE__ . '\unlock', array_keys($guarded->locks));
    [$guarded->request, $guarded->id, $guarded->token, $guarded->checked] = [null, '', '', false];
    $guarded->made = $guarded->second = 0;
    return $answer;
}

// Everybody else who saves a post of syncd's: one at a time with a guarded write, so that this one sees the other's.

function someone_saves($post): void
{
    if (ready() && !isset(Guarded::now()->locks["post:$post"]) && id_of((int) $post) !== '') {
        lock("post:$post", COURTESY);
    }
}

function someone_saved($post): void
{
    if (Guarded::now()->request === null) {
        unlock("post:$post");
    }
}

function forget($post): void
{
    global $wpdb;
    if (is_array(get_option(OPTION))) {
        $wpdb->delete(table(), ['post_id' => (int) $post]);
    }
}

// What the API tells

/** From the same copy of the post as the rest of the answer: a cache that is old gives an old version, which is refused. */
function told($shown, $field, $request): ?array
{
    $post = get_post((int) $shown['id']);
    if (!$post || !ready()) {
        return null;
    }
    $guarded = Guarded::now();
    return ['api' => API, 'id' => id_of($post->ID), 'version' => version_of($post),
        'checked' => $guarded->checked && $guarded->request === $request];
}

function only_the_one($query, $request)
{
    if (is_string($request['syncd_id']) && $request['syncd_id'] !== '') {
        $query['post__in'] = [ready() && current_user_can('edit_posts') ? holder($request['syncd_id']) : 0];
    }
    return $query;
}

function offer(): void
{
    install();
    $types = array_diff(get_post_types(['show_in_rest' => true]), ['attachment']);
    foreach ($types as $type) {
        add_filter("rest_pre_insert_$type", __NAMESPACE__ . '\with_id', PHP_INT_MAX, 2);
        add_filter("rest_{$type}_query", __NAMESPACE__ . '\only_the_one', PHP_INT_MAX, 2);
    }
    register_rest_field(array_values($types), 'syncd', ['get_callback' => __NAMESPACE__ . '\told', 'schema' => [
        'description' => 'Id and version of the post for syncd.', 'type' => ['object', 'null'], 'context' => ['edit'],
        'readonly' => true,
    ]]);
    register_rest_route('syncd/v1', '/companion', [
        'methods' => 'GET', 'permission_callback' => fn() => current_user_can('edit_posts'),
        'callback' => fn() => ['api' => API, 'version' => VERSION, 'ready' => ready()],
    ]);
}

function activate(): void
{
    install();
    register_uninstall_hook(__FILE__, __NAMESPACE__ . '\uninstall');
}

register_activation_hook(__FILE__, __NAMESPACE__ . '\activate');
add_action('rest_api_init', __NAMESPACE__ . '\offer');
add_filter('rest_dispatch_request', __NAMESPACE__ . '\guard', PHP_INT_MAX, 4);
add_filter('rest_request_after_callbacks', __NAMESPACE__ . '\finish', PHP_INT_MAX, 3);
add_action('added_post_meta', __NAMESPACE__ . '\id_stored', PHP_INT_MIN, 4);
add_action('pre_post_update', __NAMESPACE__ . '\someone_saves', PHP_INT_MAX);
add_action('post_updated', __NAMESPACE__ . '\someone_saved', PHP_INT_MIN);
add_action('deleted_post', __NAMESPACE__ . '\forget');
