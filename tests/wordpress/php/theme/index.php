<!DOCTYPE html>
<html <?php language_attributes(); ?>>
<head><meta charset="utf-8"><title><?php echo esc_html(is_singular() ? get_the_title() : wp_get_document_title()); ?></title><?php wp_head(); ?></head>
<body>
<nav><a href="/">首页</a><?php wp_list_categories(['title_li' => '', 'hide_empty' => false]); ?></nav>
<main>
<?php if (is_404()) { ?>
<h1>页面不存在</h1>
<?php } elseif (is_singular()) { the_post(); ?>
<article>
<h1><?php the_title(); ?></h1>
<p>发布时间:<time datetime="<?php echo get_the_date('c'); ?>"><?php echo get_the_date('Y-m-d H:i'); ?></time></p>
<div class="content"><?php the_content(); ?></div>
</article>
<?php } else { ?>
<h1><?php echo is_category() ? single_cat_title('', false) : '首页'; ?></h1>
<ul>
<?php while (have_posts()) { the_post(); ?>
<li><a href="<?php the_permalink(); ?>"><?php the_title(); ?></a> <time datetime="<?php echo get_the_date('c'); ?>"><?php echo get_the_date(); ?></time></li>
<?php } ?>
</ul>
<?php the_posts_pagination(); } ?>
</main>
<footer>某县人民政府办公室主办</footer>
<?php wp_footer(); ?>
</body>
</html>
