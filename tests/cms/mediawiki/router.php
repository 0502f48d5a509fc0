<?php
// For `php -S`: uploaded files lie beside the code, and nothing else of that folder is served.
$path = rawurldecode(parse_url($_SERVER['REQUEST_URI'], PHP_URL_PATH) ?: '/');
$images = getenv('SYNCD_IMAGES');
if (str_starts_with($path, '/images/')) {
    $file = realpath($images . substr($path, strlen('/images')));
    if ($file === false || !is_file($file) || !str_starts_with($file, realpath($images) . '/')) {
        http_response_code(404);
        return true;
    }
    header('Content-Type: ' . (mime_content_type($file) ?: 'application/octet-stream'));
    readfile($file);
    return true;
}
if (str_starts_with($path, '/resources/') || str_starts_with($path, '/skins/')) {
    return false;
}
$script = preg_match('#^/([a-z]+\.php)(/|$)#', $path, $found) ? $found[1] : 'index.php';
$_SERVER['SCRIPT_NAME'] = $_SERVER['PHP_SELF'] = "/$script";
$_SERVER['SCRIPT_FILENAME'] = $_SERVER['DOCUMENT_ROOT'] . "/$script";
chdir($_SERVER['DOCUMENT_ROOT']);
require $_SERVER['SCRIPT_FILENAME'];
