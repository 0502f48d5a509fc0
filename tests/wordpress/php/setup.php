<?php
// `php setup.php CODE USERS`: installs WordPress as an operator's site is set up; prints the accounts as JSON.
// USERS: JSON object of name to role. Each gets an application password, as a person makes it in the profile.
[, $code, $users] = $argv;
$_SERVER += ['HTTP_HOST' => '127.0.0.1', 'REQUEST_METHOD' => 'GET', 'SERVER_PROTOCOL' => 'HTTP/1.1'];
$_SERVER['REQUEST_URI'] = '/';
define('WP_INSTALLING', true);

/** WordPress would mail the administrator. */
function wp_new_blog_notification() {}

require "$code/wp-load.php";
// WordPress would ask itself over HTTP whether pretty addresses work; nobody answers yet.
add_filter('pre_http_request', fn() => new WP_Error('nobody_there', 'not started yet'));
require_once ABSPATH . 'wp-admin/includes/upgrade.php';
wp_install('某县人民政府', 'admin', 'admin@county.example', true, '', wp_generate_password());
foreach (get_posts(['post_type' => ['post', 'page'], 'post_status' => 'any', 'numberposts' => -1]) as $sample) {
    wp_delete_post($sample->ID, true);
}
$options = [
    'permalink_structure' => '/%year%/%monthnum%/%postname%/', 'timezone_string' => 'Asia/Shanghai',
    'default_ping_status' => 'closed', 'default_comment_status' => 'closed', 'posts_per_page' => 20,
    'date_format' => 'Y-m-d', 'time_format' => 'H:i:s',
];
foreach ($options as $name => $value) {
    update_option($name, $value);
}
foreach (['要闻' => 'yaowen', '国务院文件' => 'gwywj', '政策解读' => 'zcjd'] as $name => $slug) {
    wp_insert_term($name, 'category', ['slug' => $slug]);
}
switch_theme('county');
$made = [];
foreach (json_decode($users, true) as $name => $role) {
    $known = get_user_by('login', $name);
    $id = $known ? $known->ID : wp_insert_user([
        'user_login' => $name, 'user_pass' => wp_generate_password(), 'user_email' => "$name@county.example",
        'role' => $role,
    ]);
    if (is_wp_error($id)) {
        fwrite(STDERR, $id->get_error_message());
        exit(1);
    }
    [$password] = WP_Application_Passwords::create_new_application_password($id, ['name' => 'syncd']);
    $made[$name] = ['id' => $id, 'role' => $role, 'password' => $password];
}
global $wpdb;
$wpdb->query('CREATE TABLE journal (
    id BIGINT UNSIGNED AUTO_INCREMENT PRIMARY KEY, at DOUBLE NOT NULL, asked DOUBLE, post BIGINT NOT NULL,
    actor VARCHAR(60) NOT NULL, before_status VARCHAR(20) NOT NULL, status VARCHAR(20) NOT NULL,
    slug VARCHAR(200) NOT NULL, title TEXT NOT NULL, content LONGTEXT NOT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4');
flush_rewrite_rules(false);
echo json_encode($made);
