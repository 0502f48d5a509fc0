<?php
/* Plugin Name: Trouble on demand. Headers of a request say what goes wrong in it; a request without them is left alone. */

// X-Slow: the name of a statement, such as UPDATE, and the seconds that pass before the first of it upon wp_posts.
if (isset($_SERVER['HTTP_X_SLOW'])) {
    [$slow_verb, $slow_seconds] = explode(' ', $_SERVER['HTTP_X_SLOW']);
    add_filter('query', function ($query) use (&$slow_verb, $slow_seconds) {
        global $wpdb;
        if ($slow_verb !== '' && preg_match("/^\s*$slow_verb\s.{0,8}`?$wpdb->posts`?\s/", $query)) {
            $slow_verb = '';
            usleep((int) ($slow_seconds * 1e6));
        }
        return $query;
    });
}

// X-No-Locks: the database says that it gives a lock, and gives none, as a cluster does whose nodes don't know each other's.
if (isset($_SERVER['HTTP_X_NO_LOCKS'])) {
    add_filter('query', fn($query) => strpos($query, 'GET_LOCK') !== false ? 'SELECT 1' : $query);
}

// X-Dies: PHP ends without a word when it gets to this hook.
if (isset($_SERVER['HTTP_X_DIES'])) {
    add_filter($_SERVER['HTTP_X_DIES'], fn() => exit(), PHP_INT_MIN);
}

// X-Deaf: a proxy took the condition out of the request.
if (isset($_SERVER['HTTP_X_DEAF'])) {
    unset($_SERVER['HTTP_IF_MATCH']);
}

// X-Copies: a plug-in makes a copy of each new post with all its meta, as for a translation, in the same request.
if (isset($_SERVER['HTTP_X_COPIES'])) {
    add_action('save_post_post', function ($id, $post) use (&$copying) {
        if ($copying) {
            return;
        }
        $copying = true;
        $copy = wp_insert_post(['post_title' => "$post->post_title (copy)", 'post_content' => 'x', 'post_status' => 'draft']);
        foreach (get_post_meta($id) as $name => $values) {
            array_map(fn($value) => add_post_meta($copy, $name, $value), $values);
        }
        $copying = false;
    }, 10, 2);
}
