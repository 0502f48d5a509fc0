<?php
/* Plugin Name: Journal of writes. Every write to a post is kept, so that tests can say what was public at any time. */

/** `asked`: when the proxy got the request, for writes that it brought late. */
function journal_write($post, $before, $status) {
    global $wpdb;
    if ($post->post_type !== 'post') {
        return;
    }
    $wpdb->insert('journal', [
        'at' => microtime(true), 'asked' => isset($_SERVER['HTTP_X_ASKED']) ? (float) $_SERVER['HTTP_X_ASKED'] : null,
        'post' => $post->ID, 'actor' => wp_get_current_user()->user_login ?: '', 'before_status' => $before,
        'status' => $status, 'slug' => $post->post_name, 'title' => $post->post_title, 'content' => $post->post_content,
    ]);
}

// Called after each insert and update of a post, also when its status stays.
add_action('transition_post_status', fn($now, $before, $post) => journal_write($post, $before, $now), 10, 3);
add_action('before_delete_post', fn($id, $post) => journal_write($post, $post->post_status, 'deleted'), 10, 2);
