<?php
// For `php -S`: files as they are, .php files run where they lie, everything else goes to WordPress.
$root = realpath($_SERVER['DOCUMENT_ROOT']);
$path = rawurldecode(parse_url($_SERVER['REQUEST_URI'], PHP_URL_PATH) ?: '/');
$file = realpath($root . $path);
if ($file !== false && is_dir($file) && is_file("$file/index.php")) {
    $path = rtrim($path, '/') . '/index.php';
    $file = "$file/index.php";
}
$inside = $file !== false && is_file($file) && str_starts_with($file, "$root/");
if ($inside && !str_ends_with($file, '.php')) {
    return false;
}
if (!$inside) {
    $path = '/index.php';
    $file = "$root/index.php";
}
$_SERVER['SCRIPT_NAME'] = $_SERVER['PHP_SELF'] = $path;
$_SERVER['SCRIPT_FILENAME'] = $file;
chdir(dirname($file));
require $file;
