<?php
// `php plugin.php CODE FILE ORDER`: activates a plug-in, or deactivates and uninstalls it, as its page in WordPress does.
[, $code, $file, $order] = $argv;
$_SERVER += ['HTTP_HOST' => '127.0.0.1', 'REQUEST_METHOD' => 'GET', 'SERVER_PROTOCOL' => 'HTTP/1.1', 'REQUEST_URI' => '/'];
require "$code/wp-load.php";
require_once ABSPATH . 'wp-admin/includes/plugin.php';
if ($order === 'activate') {
    $told = activate_plugin($file);
} else {
    deactivate_plugins($file);
    $told = uninstall_plugin($file);
}
if (is_wp_error($told)) {
    fwrite(STDERR, $told->get_error_message());
    exit(1);
}
