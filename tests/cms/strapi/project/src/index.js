"use strict";

// The accounts of the tests, as an administrator makes them by hand in the panel.
const POLICY = ["find", "findOne", "create", "update", "delete"].map((action) => `api::policy.policy.${action}`);
const UPLOAD = ["find", "upload", "destroy"].map((action) => `plugin::upload.content-api.${action}`);

async function token(strapi, name, accessKey, type, permissions) {
  const service = strapi.service("admin::api-token");
  if (await service.exists({ name })) return;
  const made = await service.create({ name, description: "", type, permissions, lifespan: null });
  await strapi.db.query("admin::api-token").update({
    where: { id: made.id }, data: { accessKey: service.hash(accessKey) },
  });
}

module.exports = {
  async bootstrap({ strapi }) {
    await strapi.plugin("upload").service("upload").setSettings({
      sizeOptimization: false, responsiveDimensions: false, autoOrientation: false,
    });
    await token(strapi, "syncd", process.env.SYNCD_TOKEN, "custom", [...POLICY, ...UPLOAD]);
    await token(strapi, "pages", process.env.PAGES_TOKEN, "read-only", null);
    if (await strapi.service("admin::user").exists()) return;
    const role = await strapi.service("admin::role").getSuperAdmin();
    await strapi.service("admin::user").create({
      email: process.env.EDITOR_EMAIL, firstname: "Wang", lastname: "", password: process.env.EDITOR_PASSWORD,
      isActive: true, registrationToken: null, roles: [role.id],
    });
  },
};
