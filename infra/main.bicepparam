using 'main.bicep'

// An example; docs/reference/deployment.md tells of the rest. Write your resource groups here. azd and the pipelines set the two variables; by az,
// write the values here, too.
param name = 'sigil'
param tokenAudience = readEnvironmentVariable('SIGIL_TOKEN_AUDIENCE')
// Or { kind: 'rules', rules: [ … ] }: which callers may write to which galleries (docs/reference/settings.md).
param galleryPolicy = {
  kind: 'none'
}
param publications = [
  {
    subscriptionId: readEnvironmentVariable('AZURE_SUBSCRIPTION_ID')
    galleryResourceGroups: [
      'images'
    ]
    sourceResourceGroups: [
      'build'
    ]
    sources: [
      'snapshot'
    ]
  }
]
